// For `node --import`: does what the preload for `node -r` does, then adds the hook for ES modules.
import * as module from 'node:module';

const { started } = module.createRequire(import.meta.url)('./bootstrap.js') as typeof import('./bootstrap.js');
const loader = started?.loader;

if (loader && loader.packages.length > 0) {
  // A package's own files come through `require`, also in an ES module's application: only its entry is of interest here.
  const names = loader.packages.filter((name) => !name.includes('/lib/'));
  const { supportsSyncHooks, register } = await import('import-in-the-middle/register-hooks.mjs');
  const { Hook, createAddHookMessageChannel } = await import('import-in-the-middle');
  const isSynchronous = supportsSyncHooks();
  const channel = isSynchronous ? null : createAddHookMessageChannel();
  if (channel === null) register({ include: names });
  else module.register('import-in-the-middle/hook.mjs', import.meta.url, channel.registerOptions);
  new Hook(names, { internals: false }, (exports, name, folder) => {
    loader.patch(exports, name, folder || undefined);
  });
  await channel?.waitForAllMessagesAcknowledged();
}
