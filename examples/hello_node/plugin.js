// A greeting command, a word filter, and a welcome for people who join a channel: examples/hello_python, in JavaScript.
'use strict';

const { runPlugin } = require('./host.js');

runPlugin('HelloNode', (api) => {
  let blockedWords = [];

  return {
    async OnActivate() {
      await api.registerCommand({
        command: {
          trigger: 'hello',
          autoComplete: true,
          autoCompleteDesc: 'Says hello to you, or to somebody else',
          autoCompleteHint: '[name]',
        },
      });
      const { result: version } = await api.getServerVersion();
      await api.logInfo({ msg: `hello_node is ready on Mattermost ${version}` });
    },

    // Before OnActivate too. Settings are JSON; servers write their names in lower case.
    async OnConfigurationChange() {
      const { configuration } = await api.loadPluginConfiguration();
      const settings = JSON.parse(configuration.toString() || 'null') ?? {};
      const name = Object.keys(settings).find((it) => it.toLowerCase() === 'blockedwords');
      const words = String(settings[name] ?? '').toLowerCase().split(',');
      blockedWords = words.map((it) => it.trim()).filter(Boolean);
    },

    async ExecuteCommand({ args }, deadline) {
      let name = args.command.replace(/^\/hello/, '').trim();
      if (!name) {
        const { user } = await api.getUser({ userId: args.userId }, deadline);
        name = user.username;
      }
      return { commandResponse: { responseType: 'ephemeral', text: `Hello, ${name}! This is JavaScript speaking.` } };
    },

    // A reason refuses; neither a post nor a reason lets the message go on as it is.
    MessageWillBePosted({ post }) {
      const word = blockedWords.find((it) => post.message.toLowerCase().includes(it));
      return word ? { reason: `Please leave out “${word}”.` } : {};
    },

    async UserHasJoinedChannel({ channelMember }, deadline) {
      const { user } = await api.getUser({ userId: channelMember.userId }, deadline);
      const post = {
        channelId: channelMember.channelId,
        userId: user.id,
        message: `Welcome, @${user.username}! Try \`/hello\`.`,
        props: { from_plugin: { stringValue: 'true' } },
      };
      await api.createPost({ post }, deadline);
    },
  };
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
