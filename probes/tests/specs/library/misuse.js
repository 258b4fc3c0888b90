// A wrong use of the library is the script's fault, and says what to write.
import { check, connection, defineCheck, expect, step } from "tocsin";

const MISUSES = {
  "a step without a name": () => step(() => {}),
  "a step without a function": () => step("sign in"),
  "a status that is a text": () => expect(new Response()).toHaveStatus("200"),
  "no status": () => check(new Response()).toHaveStatus([]),
  "a bound that is a text": () => expect(3).toBeGreaterThan("5"),
  "a length that is none": () => expect([]).toHaveLength(1.5),
  "a path that is none": () => expect({}).toHaveProperty(5),
  "a pattern that is none": () => expect("a").toMatch(5),
  "a class that is none": () => expect(5).toBeInstanceOf("Error"),
  "a type that is none": () => expect(5).toBeTypeOf("array"),
  "a call of a value": () => expect(5).toThrow(),
  "no promise": () => expect(5).resolves,
  "a header that is none": () => expect(new Response()).toHaveHeader(5),
  "a body that was not read": () => expect(new Response()).toHaveStatus(200, new Response()),
  "any of no class": () => expect.any("String"),
  "a connection of a text": () => connection("https://a.test"),
  "a check that is a text": () => defineCheck("every 30s"),
};

export default defineCheck({
  schedule: "every 30s",
  run() {
    for (const [name, misuse] of Object.entries(MISUSES)) {
      let error;
      try {
        misuse();
      } catch (thrown) {
        error = thrown;
      }
      check(error instanceof TypeError, `${name} throws a TypeError`).toBe(true);
      console.log(error?.message);
    }
    step(5, () => {});
  },
});
