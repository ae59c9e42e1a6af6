// The results, updated by one message: changed properties would make the whole page render again.
export default {
  template: `
    <section class="results" aria-label="Results">
      <p class="status" role="status">{{ status }}</p>
      <figure v-for="(_, name) in charts" :class="name">
        <figcaption>{{ titles[name] }}</figcaption>
        <slot :name="name"></slot>
      </figure>
      <dl class="facts">
        <div v-for="(text, label) in facts"><dt>{{ label }}</dt><dd :data-fact="label">{{ text }}</dd></div>
      </dl>
    </section>`,
  props: { charts: Object, opening: String },
  data() {
    return { status: this.opening, titles: {}, facts: {} };
  },
  created() {
    this.drawings = 0;
  },
  methods: {
    wait(status, address) {
      history.replaceState(history.state, "", address);
      this.status = status;
    },
    show(status, address, facts, titles, options) {
      history.replaceState(history.state, "", address);
      Object.assign(this, { status, facts, titles });
      this.options = options; // not in data(): observing thousands of numbers takes longer than drawing them
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
