// A supabase-js Realtime client that obeys lines of JSON on stdin and tells what happens on stdout.
// usage: node browser_client.mjs <socket url> <api key> <access token> <folder with node_modules>...
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [url, apikey, token, ...folders] = process.argv.slice(2);
const { RealtimeClient } = await load("@supabase/realtime-js");
// Node's own WebSocket never retries after a refused connection.
const { WebSocket } = await load("ws");

const client = new RealtimeClient(url, {
  params: { apikey },
  transport: WebSocket,
  reconnectAfterMs: () => 50,
});
await client.setAuth(token);
const channels = new Map();

const actions = {
  join({ topic, config }) {
    const channel = client.channel(topic, { config });
    channels.set(topic, channel);
    channel.on("broadcast", { event: "*" }, (message) => tell({ topic, message }));
    channel.subscribe((status, error) => tell({ topic, status, error: error?.message }));
  },
  async send({ topic, event, payload }) {
    const answer = await channels.get(topic).send({ type: "broadcast", event, payload });
    tell({ topic, answer });
  },
  async httpSend({ topic, event, payload }) {
    tell({ topic, answer: await channels.get(topic).httpSend(event, payload) });
  },
  async leave({ topic }) {
    tell({ topic, answer: await channels.get(topic).unsubscribe() });
  },
  async setAuth({ token: fresh }) {
    await client.setAuth(fresh);
    tell({ answer: "set" });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { action, ...what } = JSON.parse(line);
  await actions[action](what);
}
process.exit(0);

function tell(fact) {
  process.stdout.write(`${JSON.stringify(fact)}\n`);
}

async function load(name) {
  for (const folder of folders) {
    try {
      return createRequire(`${folder}/node_modules/`)(name);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  process.stderr.write(`npm package ${name} is not installed in ${folders.join(" or ")}\n`);
  process.exit(1);
}
