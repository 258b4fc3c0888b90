// TLS that begins in the middle of a connection, with a certificate that must be trusted or is only looked at.
import { check, defineCheck, expect, step } from "tocsin";
import { connect } from "tocsin/net";

const said = async (connection) => {
  let line;
  do line = await connection.readLine();
  while (line[3] === "-");
  return line;
};

export default defineCheck({
  schedule: "every 30s",
  async run({ vars: { MAIL, TALK, TLS_UNKNOWN, TLS_EXPIRED } }) {
    await step("mail", async () => {
      const mail = await connect(MAIL, { timeout: "20s" });
      check(await said(mail)).toBe("220 ready");
      await mail.send("EHLO check.test\r\n");
      check(await said(mail)).toBe("250 SIZE 1000");
      await mail.send("STARTTLS\r\n");
      check(await said(mail)).toBe("220 go ahead");
      const report = await mail.startTls({ timeout: "20s" });
      check(report).toMatchObject({ serverName: "localhost", version: "TLSv1.3", trusted: true, problems: [] });
      await mail.send("EHLO check.test\r\n");
      check(await said(mail), "the answer over TLS").toBe("250 SIZE 2000");
      await mail.send("QUIT\r\n");
      check(await said(mail)).toBe("221 bye");
      await expect(mail.startTls()).rejects.toThrow(/TLS/);
    });
    // What is wrong with a certificate is reported, and the conversation goes on.
    const looked = await connect(TLS_UNKNOWN);
    const report = await looked.startTls({ verify: false, alpn: ["http/1.1"] });
    check(report).toMatchObject({ trusted: false, alpn: "http/1.1" });
    check(report.problems.map(({ kind }) => kind)).toContain("unknown-issuer");
    await looked.send("GET /hello HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    check(await looked.readLine()).toBe("HTTP/1.1 200 OK");
    const old = await connect(TLS_EXPIRED);
    check((await old.startTls({ verify: false })).trusted).toBe(false);
    // As somebody else it is not trusted either.
    const named = await connect(MAIL);
    await said(named);
    await named.send("STARTTLS\r\n");
    await said(named);
    check((await named.startTls({ serverName: "mail.example.test", verify: false })).problems).toHaveLength(1);

    const refused = await (await connect(TLS_UNKNOWN)).startTls().catch((error) => error);
    check(refused.message).toContain("not trusted");
    const plain = await connect(TALK);
    await plain.send("bytes 100\n");
    const spoken = await plain.startTls({ verify: false }).catch((error) => error);
    check(spoken.message).toContain("does not speak TLS");
    for (const wrong of [{ verify: "no" }, { serverName: 5 }, { verified: false }]) {
      await expect((await connect(TALK)).startTls(wrong)).rejects.toThrow(TypeError);
    }
  },
});
