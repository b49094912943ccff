// The contract with mm-host, for a plugin in JavaScript: docs/guide/other-languages.md, step by step.
'use strict';

const { timingSafeEqual } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const PROTOCOL_VERSION = 1;
const TOKEN = 'x-mm-token';
// Files travel whole, and gRPC's own limit is 4 MiB. Node cannot tell gRPC's name of a Unix socket, and servers want one.
const OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.default_authority': 'localhost',
};

/** The protos: a copy beside this file, as in a bundle, or those of the repository. */
function protoFolder() {
  const folders = [path.join(__dirname, 'proto'), path.join(__dirname, '..', '..', 'proto')];
  const found = folders.find((it) => fs.existsSync(path.join(it, 'mattermost')));
  if (!found) throw new Error(`the protos are missing: copy the repository's folder proto to ${folders[0]}`);
  return found;
}

function load() {
  const files = ['mattermost/plugin/v1/api.proto', 'mattermost/plugin/v1/hooks.proto', 'mattermost/host/v1/host.proto'];
  const options = { longs: String, enums: String, defaults: true, oneofs: true };
  const loaded = protoLoader.loadSync(files, { ...options, includeDirs: [protoFolder()] });
  const health = protoLoader.loadSync(path.join(__dirname, 'health.proto'), options);
  return grpc.loadPackageDefinition({ ...loaded, ...health });
}

/** What the host says by environment and by an inherited descriptor; nobody else may read the token afterwards. */
function contract() {
  const { MM_PLUGIN_HOST_SOCKET: hostSocket, MM_PLUGIN_SOCKET: ownSocket, MM_PLUGIN_TOKEN_FD: descriptor } = process.env;
  const set = [hostSocket, ownSocket, descriptor].filter((it) => it !== undefined).length;
  if (set === 0) {
    console.error('This is a Mattermost plugin, which mm-host starts. To try it: mm-host dev DIR');
    process.exit(2);
  }
  if (set < 3) throw new Error('mm-host and this plugin do not fit together: a variable of the contract is missing');
  const token = fs.readFileSync(Number(descriptor), 'utf8').trim();
  fs.closeSync(Number(descriptor));
  return { hostSocket, ownSocket, token };
}

/** A client whose methods return promises and carry the token. */
function promising(Client, socket, token) {
  const client = new Client(`unix:${socket}`, grpc.credentials.createInsecure(), OPTIONS);
  const metadata = () => {
    const made = new grpc.Metadata();
    made.set(TOKEN, token);
    return made;
  };
  const call = (name, request, deadline) =>
    new Promise((resolve, reject) => {
      client[name](request, metadata(), { deadline: deadline ?? Date.now() + 30_000 }, (error, response) =>
        error ? reject(error) : resolve(response),
      );
    });
  return new Proxy({}, { get: (_, name) => (request = {}, deadline = undefined) => call(name, request, deadline) });
}

/** Whether a call comes from the host. */
function isTrusted(call, token) {
  const [sent = ''] = call.metadata.get(TOKEN);
  const [a, b] = [Buffer.from(String(sent)), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A handler for gRPC of an async function; what it throws becomes the status. */
function handler(answer, token) {
  return (call, callback) => {
    if (!isTrusted(call, token)) {
      callback({ code: grpc.status.UNAUTHENTICATED, details: 'the token is missing or wrong' });
      return;
    }
    Promise.resolve()
      .then(() => answer(call.request, call.getDeadline()))
      .then((response) => callback(null, response ?? {}))
      .catch((error) => {
        console.error(error);
        // Texts of a status are at most 1 KiB.
        callback({ code: grpc.status.UNKNOWN, details: String(error.message).slice(0, 1000) });
      });
  };
}

/**
 * Runs a plugin until the host ends it.
 *
 * @param {string} name What the plugin is called in messages to people.
 * @param {(api: object) => Record<string, (request: object, deadline: number | Date) => unknown>} make Makes the hooks, by their names
 *     in Go. `api` has the methods of PluginApi, such as `api.getUser({ userId })`, which return promises.
 */
async function runPlugin(name, make) {
  const { hostSocket, ownSocket, token } = contract();
  // The host is gone when standard input ends: so is this process, at once.
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('SIGINT', () => {}); // It is the host's.

  const { mattermost, grpc: own } = load();
  const hooks = make(promising(mattermost.plugin.v1.PluginApi, hostSocket, token));
  const server = new grpc.Server(OPTIONS);
  const add = (service, answers) => {
    const handlers = Object.entries(answers).map(([method, answer]) => [method, handler(answer, token)]);
    server.addService(service.service, Object.fromEntries(handlers));
  };
  const stop = (graceMs) => {
    setTimeout(() => process.exit(0), Number(graceMs)).unref();
    // Takes no new calls; calls back when those under way are answered.
    server.tryShutdown(() => process.exit(0));
  };
  process.on('SIGTERM', () => stop(1000));
  add(mattermost.plugin.v1.PluginHooks, hooks);
  add(own.health.v1.Health, { Check: () => ({ status: 'SERVING' }) });
  add(mattermost.host.v1.PluginProcess, {
    Shutdown: ({ graceMs }) => {
      setImmediate(stop, graceMs); // After the answer.
      return {};
    },
  });

  await new Promise((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync(`unix:${ownSocket}`, credentials, (error) => (error ? reject(error) : resolve()));
  });
  await promising(mattermost.host.v1.PluginHost, hostSocket, token).hello({
    protocolVersion: PROTOCOL_VERSION,
    hooks: Object.keys(hooks),
    sdkVersion: '1.0.0',
    pythonVersion: `Node ${process.versions.node}`,
    surfaceVersion: '11.6.0',
    pluginClass: name,
  });
}

module.exports = { runPlugin };
