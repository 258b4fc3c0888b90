// A refused status is a failure of the class `http`.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  run() {
    expect(new Response(null, { status: 500 })).toBeOk();
  },
});
