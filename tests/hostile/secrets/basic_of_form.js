// As a client proves itself: form-encoded, and then as base64, wherever the name of the client ends.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const encoded = new URLSearchParams({ x: ctx.secrets.TOKEN }).toString().slice(2);
    for (const id of ["a", "ab", "abc"]) console.log(`Basic ${btoa(`${id}:${encoded}`)}`);
    console.log(btoa(encodeURIComponent(ctx.secrets.TOKEN)));
  },
});
