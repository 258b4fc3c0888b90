export default { schedule: "every 30s", async run() {} };
