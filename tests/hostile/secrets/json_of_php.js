// Escaped as PHP escapes JSON: slashes, and all that is no ASCII.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const json = JSON.stringify({ a: ctx.secrets.TOKEN }).replaceAll("/", "\\/").replaceAll("\u00e4", "\\u00e4");
    console.log(json);
    console.log(json.replace("00e4", "00E4"), JSON.stringify(json));
    console.log([...ctx.secrets.TOKEN].map((c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")).join(""));
  },
});
