// A connection without HTTP to a name that changes.
import { defineCheck } from "tocsin";
import { connect } from "tocsin/net";

export default defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    const get = async () => {
      const connection = await connect({ host: "loopback.plain-tcp.rebind.test", port: 80 });
      await connection.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      const answer = new TextDecoder().decode(await connection.readToEnd());
      return answer.slice(answer.indexOf("\r\n\r\n") + 4);
    };
    console.log(await get());
    console.log(await get());
  },
});
