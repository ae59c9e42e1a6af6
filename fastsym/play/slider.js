// A native slider: labelled, with the keyboard of its own; its position is the browser's, so that no late answer
// of the server moves it back.
export default {
  template: `<input type="range" :min="low" :max="high" :step="step" :value="position" :aria-valuetext="text"
                    @input="slide" />`,
  props: { low: Number, high: Number, step: Number, start: Number, startText: String },
  emits: ["slid"],
  data() {
    return { position: this.start, text: this.startText };
  },
  methods: {
    slide(event) {
      this.position = Number(event.target.value);
      this.$emit("slid", this.position);
    },
    place(position, text) {
      if (position !== null) this.position = position;
      this.text = text;
    },
  },
};
