// Which instrumentations a process gets when it starts.

import type { Config } from '../config/options.js';
import type { Preset, PresetChoice } from '../config/presets.js';
import type { IgnorePolicy } from '../spans/ignore-policy.js';
import type { ChannelInstrumentation, Instrumentation } from './instrumentation.js';
import { channelInstrumentations, instrumentations } from './instrumentations.js';
import type { LoaderDependencies } from './loader.js';
import { openTracing } from './opentracing.js';

type Selection = Pick<LoaderDependencies, 'instrumentations' | 'channels' | 'known'>;

/** Those of the presets, without those that are switched off. */
export function selectInstrumentations(
  { instrumentations: chosen }: PresetChoice,
  { enabled, automatic }: Config['tracing'],
  policy: IgnorePolicy,
): Selection {
  const wanted = enabled && automatic ? chosen : new Set<Preset>();
  const isWanted = ({ name, presets, group }: Instrumentation | ChannelInstrumentation): boolean =>
    !policy.isDisabled(name, group) &&
    // With automatic tracing off the tracer stays, and the application may look for it in opentracing.
    (presets.some((preset) => wanted.has(preset)) || (enabled && !automatic && name === openTracing.name));
  return {
    instrumentations: instrumentations.filter(isWanted),
    channels: channelInstrumentations.filter(isWanted),
    known: [...instrumentations, ...channelInstrumentations],
  };
}
