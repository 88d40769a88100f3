// The numbers of one run: what the server has sent, and what the stream adds.

import { get } from "./api.js";

const POINTS = 1200; // a chart has fewer pixels
const PAUSE = 4000; // ms between two readings of envelopes while a long run goes on

export class RunData {
  constructor(id) {
    Object.assign(this, { id, offset: 0, marks: [], axes: {}, low: {}, high: null, exact: true, window: null, read: 0, shift: {} });
  }

  async load(axis, window) {
    if (!this.row) {
      const found = await get(`/api/runs/${this.id}`);
      const { marks, facts, ...row } = found;
      Object.assign(this, { marks, facts, row });
    }
    await this.read_numbers(axis, window);
  }

  async read_numbers(axis, window) {
    const query = { axis, points: POINTS };
    const by = this.shift[axis] ?? 0;
    if (window) Object.assign(query, { from: window[0] - by, to: window[1] - by });
    const found = await get(`/api/runs/${this.id}/series`, query);
    const { offset, low, high, exact } = found;
    const axes = Object.fromEntries(Object.entries(found.axes).map(([name, column]) => [name, column.map((value) => this.moved(name, value))]));
    Object.assign(this, { axes, low, high, exact, window, read: Date.now() });
    this.offset ||= offset;
  }

  // Show this run from where its parent was when it began, on all axes.
  follow(parent, round) {
    this.shift = Object.fromEntries(Object.keys(this.axes).map((name) => [name, parent.estimate_at(name, round)]));
    this.marks = this.marks.map((mark) => this.moved_row(mark));
    for (const [name, column] of Object.entries(this.axes)) this.axes[name] = column.map((value) => this.moved(name, value));
  }

  moved(name, value) {
    return value === null || value === undefined ? value : value + (this.shift[name] ?? 0);
  }

  moved_row(row) {
    const names = Object.keys(this.shift).filter((name) => name in row);
    return { ...row, ...Object.fromEntries(names.map((name) => [name, this.moved(name, row[name])])) };
  }

  // Add lines of the stream; true where the numbers have to be read again instead.
  add({ offset, rounds = [], marks = [] }) {
    this.offset = offset;
    this.marks.push(...marks.map((mark) => ({ ...this.place(), ...this.moved_row(mark) })));
    if (!rounds.length || this.window) return false;
    if (!this.exact || this.axes.round.length + rounds.length > POINTS) return Date.now() - this.read > PAUSE;
    const known = this.axes.round.length;
    const newer = rounds.map((row) => this.moved_row(row)).filter((row) => !(row.seconds <= this.axes.seconds[known - 1]));
    newer.forEach((row, index) => this.add_row(row, known + index));
    return false;
  }

  add_row(row, place) {
    for (const [name, value] of Object.entries(row)) {
      if (name in this.axes) this.axes[name].push(value);
      else {
        this.low[name] ??= Array(place).fill(null);
        this.low[name].push(value);
      }
    }
    for (const column of [...Object.values(this.axes), ...Object.values(this.low)]) {
      if (column.length <= place) column.push(null);
    }
  }

  place() {
    const last = this.axes.round?.length - 1;
    return last >= 0 ? Object.fromEntries(Object.entries(this.axes).map(([name, column]) => [name, column[last]])) : {};
  }

  extent(axis) {
    const column = (this.axes[axis] ?? []).filter((value) => value !== null);
    const marked = this.marks.filter((mark) => mark.event === "sample").map((mark) => mark[axis] ?? 0);
    const all = [...column, ...marked];
    return all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  }

  // The index of the last row that is not after a place on an axis.
  index_at(axis, place) {
    const column = this.axes[axis] ?? [];
    let found = -1;
    for (let index = 0; index < column.length && column[index] <= place; index += 1) found = index;
    return found;
  }

  // The number on one axis at a place on another; null before the first row.
  number_at(name, axis, place) {
    const index = this.index_at(axis, place);
    return index < 0 ? null : (this.axes[name]?.[index] ?? null);
  }

  // The number on an axis at a round, also where that lies between two that were journalled, or after the last one.
  estimate_at(name, round) {
    if (name === "round") return round;
    const rounds = this.axes.round ?? [];
    const next = Math.max(1, Math.min(this.index_at("round", round) + 1, rounds.length - 1));
    const [before, after] = [rounds[next - 1], rounds[next]];
    const [from, to] = [this.axes[name]?.[next - 1] ?? 0, this.axes[name]?.[next] ?? 0];
    const found = after > before ? from + ((to - from) * (round - before)) / (after - before) : from;
    return name === "epoch" ? Math.floor(found) : found;
  }

  pictures() {
    return this.marks.filter((mark) => mark.event === "sample" && typeof mark.file === "string").map((mark) => {
      const name = mark.file.split("/").pop();
      return { ...mark, name, kind: name.replace(/_?(round|epoch)_\d+/, "").replace(/\.\w+$/, "") || "samples" };
    });
  }

  warnings() {
    return this.marks.filter((mark) => mark.event === "warning");
  }
}
