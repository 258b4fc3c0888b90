import { defineCheck, step } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const { PASSWORD } = ctx.secrets;
    console.log("plain", PASSWORD, { in: { an: PASSWORD } });
    console.log(btoa(`user:${PASSWORD}`), encodeURIComponent(PASSWORD), JSON.stringify({ PASSWORD }));
    console.log("part", PASSWORD.slice(0, 8), "other", ctx.secrets.OTHER);
    await step(`with ${PASSWORD}`, () => {
      throw new Error(`refused: ${PASSWORD}`);
    });
  },
});
