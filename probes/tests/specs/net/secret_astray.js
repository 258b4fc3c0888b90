// A secret goes to the hosts that it is for, whatever protocol carries it.
import { check, defineCheck } from "tocsin";
import { connect, dns, websocket } from "tocsin/net";

async function message(work) {
  try {
    await work();
    return "went there";
  } catch (error) {
    return error.message;
  }
}

export default defineCheck({
  schedule: "every 30s",
  secrets: { TOKEN: { hosts: ["login.example.com"] } },
  async run({ secrets: { TOKEN }, vars: { DNS, TALK, WEBSOCKET } }) {
    const connection = await connect(TALK);
    const half = TOKEN.length / 2;
    const socket = await websocket(WEBSOCKET);
    const astray = {
      tcp: () => connection.send(`echo ${TOKEN}\n`),
      pieces: async () => {
        await connection.send(TOKEN.slice(0, half));
        await connection.send(TOKEN.slice(half));
      },
      message: () => socket.send(JSON.stringify({ TOKEN })),
      header: () => websocket(WEBSOCKET, { headers: { authorization: `Bearer ${TOKEN}` } }),
      url: () => websocket(`${WEBSOCKET}/?token=${TOKEN}`),
      name: () => dns(`${TOKEN}.example.test`, "A", { resolver: DNS }),
    };
    for (const [name, work] of Object.entries(astray)) {
      check(await message(work), name).toMatch(/holds the secret TOKEN, which may not go to 127\.0\.0\.1:\d+/);
    }
    await connection.send(`echo ${TOKEN}`);
  },
});
