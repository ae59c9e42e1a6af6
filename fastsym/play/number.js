// A number: an input field for all values, and a native slider, with its own keyboard control, for the usual ones. The
// browser owns the typed text and the slider's position, so that no late answer of the server overwrites them.
export default {
  template: `
    <div class="control number">
      <q-input dense outlined :label="label" :hint="useful ? hint : 'no effect with this start'" :disable="!useful" :inputmode="keyboard" :error="wrong !== ''" hide-bottom-space
               v-model="typed" @blur="$emit('typed', typed)" @keydown.enter="$emit('typed', typed)" />
      <input type="range" :aria-label="label" :min="low" :max="high" :step="step" :value="position"
             :aria-valuetext="text" :disabled="!useful" @input="slide" />
      <span class="word" tabindex="0" role="note" :data-tip="word" :aria-label="word">?</span>
      <p class="alert" role="alert">{{ wrong }}</p>
    </div>`,
  props: { label: String, word: String, hint: String, keyboard: String, low: Number, high: Number, step: Number, start: Object },
  emits: ["slid", "typed"],
  data() {
    return { typed: this.start.text, wrong: "", useful: true, ...this.start };
  },
  methods: {
    slide(event) {
      this.position = Number(event.target.value);
      this.$emit("slid", this.position);
    },
    settle(text, position) {
      Object.assign(this, { wrong: "", text, typed: text });
      if (position !== null) this.position = position;
    },
    enable(useful) {
      this.useful = useful;
    },
    refuse(wrong) {
      this.wrong = wrong;
    },
  },
};
