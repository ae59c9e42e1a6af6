// The results, updated by one message: changed properties would make the whole page render again.
const iteration = (at) => (at < 1 ? 0 : Math.round(at)).toLocaleString("en-GB");
const MARK = { silent: true, symbol: "none", animation: false, label: { show: false } };

export default {
  template: `
    <section class="results" :class="{ waiting }" aria-label="Results">
      <p class="status" role="status">{{ status }}</p>
      <figure v-for="name in figures" :class="name">
        <figcaption>{{ titles[name] }}</figcaption>
        <svg v-if="name === 'network'" class="network" :viewBox="'0 0 ' + network.width + ' ' + network.height"
             role="img" :aria-label="network.title">
          <line v-for="edge in network.edges" :x1="edge.x1" :y1="edge.y1" :x2="edge.x2" :y2="edge.y2"
                :class="edge.kind" :stroke-width="edge.width"><title>{{ edge.text }}</title></line>
          <g v-for="node in network.nodes" :class="node.kind">
            <circle :cx="node.x" :cy="node.y" :r="node.kind === 'input' ? 4 : 11"><title>{{ node.note }}</title></circle>
            <text :x="node.kind === 'input' ? node.x - 9 : node.x" :y="node.y + 4"
                  :text-anchor="node.kind === 'input' ? 'end' : 'middle'">{{ node.text }}</text>
            <text v-if="node.kind === 'output'" :x="node.x" :y="node.y + 28" text-anchor="middle">{{ node.note }}</text>
          </g>
        </svg>
        <slot v-else :name="name"></slot>
      </figure>
      <div class="moment">
        <label for="moment">Moment</label>
        <input id="moment" type="range" min="0" :max="last" step="1" :value="index" :aria-valuetext="moment"
               @input="$emit('moved', Number($event.target.value))" />
        <p>{{ moment }}</p>
      </div>
      <h2>After the last iteration</h2>
      <dl class="facts">
        <div v-for="(text, label) in facts">
          <dt><span class="word" tabindex="0" :data-tip="words[label]" :aria-description="words[label]">{{ label }}</span></dt>
          <dd :data-fact="label">{{ text }}</dd>
        </div>
      </dl>
    </section>`,
  props: { figures: Array, charts: Object, opening: String, words: Object },
  emits: ["moved"],
  data() {
    return {
      status: this.opening, waiting: true, titles: {}, facts: {}, network: { width: 1, height: 1 },
      index: 0, last: 0, moment: "",
    };
  },
  created() {
    this.drawings = 0;
    this.options = {}; // not in data(): observing thousands of numbers takes longer than drawing them
  },
  methods: {
    wait(status, address) {
      history.replaceState(history.state, "", address);
      Object.assign(this, { status, waiting: true });
    },
    show(address, shown, titles, options) {
      history.replaceState(history.state, "", address);
      const { status, facts, last } = shown;
      Object.assign(this, { status, facts, last, titles, waiting: false });
      this.options = options;
      for (const curve of Object.values(options)) {
        curve.xAxis.axisLabel.formatter = iteration;
        curve.xAxis.axisLabel.hideOverlap = true;
        curve.tooltip.formatter = (lines) =>
          [`after ${iteration(lines[0].value[0])} iterations`,
           ...lines.map(({ marker, seriesName, value }) => `${marker}${seriesName}: ${value[1]}`)].join("<br>");
      }
      this.move(shown);
    },
    move({ index, iteration, moment, network, rows, rowsTitle }) {
      Object.assign(this, { index, moment, network: Object.freeze(network) });
      Object.assign(this.titles, { rows: rowsTitle, network: network.title });
      for (const curve of [this.options.cost, this.options.weights]) {
        curve.series[curve.series.length - 1].markLine = {
          ...MARK, lineStyle: { color: "var(--muted)", type: "solid", width: 1 }, data: [{ xAxis: iteration }],
        };
      }
      this.options.rows = rows;
      this.draw();
    },
    draw() {
      const drawn = Object.entries(this.charts).map(([name, id]) => [getElement(id)?.chart, this.options[name]]);
      if (drawn.every(([chart]) => chart)) {
        drawn.forEach(([chart, options]) => chart.setOption(options, { replaceMerge: "series" }));
        // The first few drawings take twice as long, until the browser has compiled what they run.
        if (this.drawings++ < 4) setTimeout(this.draw, 100);
      } else {
        setTimeout(this.draw, 10);
      }
    },
  },
};
