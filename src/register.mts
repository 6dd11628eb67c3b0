// For `node --import`: does what the preload for `node -r` does, then adds the hook for ES modules.
import * as module from 'node:module';

const { started } = module.createRequire(import.meta.url)('./bootstrap.js') as typeof import('./bootstrap.js');
const loader = started?.loader;

async function hook(watched: NonNullable<typeof loader>): Promise<void> {
  // A package's own files come through `require`, also in an ES module's application: only its entry is of interest here.
  const names = watched.packages.filter((name) => !name.includes('/lib/'));
  const { Hook, createAddHookMessageChannel } = await import('import-in-the-middle');
  const channel = (await registerSynchronous(names, watched)) ? null : createAddHookMessageChannel();
  if (channel !== null) {
    watched.patchAllPending();
    module.register('import-in-the-middle/hook.mjs', import.meta.url, channel.registerOptions);
  }
  new Hook(names, { internals: false }, (exports, name, folder) => {
    watched.patch(exports, name, folder || undefined);
  });
  await channel?.waitForAllMessagesAcknowledged();
}

type Load = (url: string, context: unknown, nextLoad: (...args: unknown[]) => unknown) => unknown;

/** False where Node.js has no hooks on its main thread, or broken ones. */
async function registerSynchronous(names: string[], watched: NonNullable<typeof loader>): Promise<boolean> {
  // Checked first: `supportsSyncHooks` comes with a parser of ES modules. The types are those of Node.js 20, which has no such function.
  const registerHooks = Reflect.get(module, 'registerHooks') as ((hooks: { load: Load }) => void) | undefined;
  if (typeof registerHooks !== 'function') return false;
  const { supportsSyncHooks, register } = await import('import-in-the-middle/register-hooks.mjs');
  if (!supportsSyncHooks()) return false;
  register({ include: names });
  // All that a module imports is loaded before any of it runs, whatever name it goes by.
  registerHooks({
    load: (url, context, nextLoad) => {
      watched.patchBeforeImport(url);
      return nextLoad(url, context);
    },
  });
  return true;
}

if (loader) {
  try {
    if (loader.packages.length > 0) await hook(loader);
    else loader.patchAllPending();
  } catch (error) {
    loader.patchAllPending();
    // For instance where the permission model allows no worker thread: on older Node.js the hook runs in one.
    started.log.warn(`ES modules are not traced beyond Node.js' own, their hook failed: ${String(error)}`);
  }
}
