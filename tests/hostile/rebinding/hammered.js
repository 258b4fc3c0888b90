// A race between the question that is judged and the one that is connected to: there is only one question.
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const ask = async () => {
      const response = await fetch("http://metadata.hammered.rebind.test/").catch((error) => error);
      return response instanceof Error ? response.message : response.text();
    };
    let refused = 0;
    for (let round = 0; round < 12; round++) {
      for (const answer of await Promise.all(Array.from({ length: 4 }, ask))) {
        if (/is a cloud metadata service/.test(answer)) refused++;
        else expect(answer).toBe("9.9.9.9");
      }
    }
    expect(refused).toBeGreaterThan(0);
  },
});
