// URL-encoded, as encoders do it, with small letters, twice, and every byte.
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const encoded = encodeURIComponent(`?${ctx.secrets.TOKEN}`);
    console.log(encoded);
    console.log(encoded.replace(/%../g, (escape) => escape.toLowerCase()));
    console.log(encodeURIComponent(encoded), encodeURIComponent(encodeURIComponent(encoded)));
    console.log(new URLSearchParams({ token: ctx.secrets.TOKEN }).toString());
    const bytes = [...new TextEncoder().encode(ctx.secrets.TOKEN)];
    const escape = (byte) => `%${byte.toString(16).padStart(2, "0")}`;
    console.log(bytes.map(escape).join(""));
    console.log(encodeURIComponent(bytes.map(escape).join("")));
    console.log(bytes.map((byte) => (byte % 2 || byte > 126 ? escape(byte) : String.fromCharCode(byte))).join(""));
  },
});
