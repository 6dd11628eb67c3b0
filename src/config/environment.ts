// The only read of `process.env` in the sensor. Other folders are passed the variables that they need.

/** The variables as they are now: an application may replace `process.env`. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}
