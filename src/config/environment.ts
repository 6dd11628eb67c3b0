// Environment variables. Other folders are passed what they need of them, so that every variable that matters is named in this one.

/** The variables as they are now: an application may replace `process.env`. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}
