// Numbers and times as people read them.

import { t, translated, language } from "./strings.js";

export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString(language());
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return value.toLocaleString(language(), { maximumSignificantDigits: 4 });
}

export function percent(share) {
  return share.toLocaleString(language(), { style: "percent", maximumFractionDigits: 1 });
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined || !isFinite(seconds)) return "–";
  if (seconds < 95) return t("time.s", { n: Math.round(seconds) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 95) return t("time.min", { n: minutes });
  if (minutes < 48 * 60) return t("time.h", { h: Math.floor(minutes / 60), m: minutes % 60 });
  return t("time.d", { n: Math.round(minutes / 1440) });
}

// How long a run still takes at its speed; null where that cannot be known.
export function secondsLeft(row) {
  const { length, place, speed, num_images: images } = row;
  if (row.state !== "running" || !length || !speed || !place.round) return null;
  if (length.minutes) return Math.max(0, 60 * length.minutes - place.seconds);
  if (length.rounds) return Math.max(0, (length.rounds - place.round) / speed.round);
  const goal = length.images ?? (length.epochs && images ? length.epochs * images : null);
  return goal ? Math.max(0, (goal - place.images) / speed.images) : null;
}

export function score(found) {
  if (!found || found.value === null) return "–";
  const interval = found.low === null || found.high === null ? "" : ` (${number(found.low)} … ${number(found.high)})`;
  const name = translated(`number.${found.metric}`) ?? found.metric.replaceAll("_", " ");
  return `${name} ${number(found.value)}${interval}`;
}
