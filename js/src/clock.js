// The elapsed time of a job: the service's value, counted up while the job runs and the service responds.
import { setText } from "./dom.js";

const TICK_MS = 100;

export function formatSeconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.floor(value);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)} h` : `${minutes}:${two(whole % 60)} min`;
}

export function startClock(target) {
  let [elapsed, running, since] = [null, false, 0];
  const tick = () => {
    const more = running ? (performance.now() - since) / 1000 : 0;
    setText(target, elapsed === null || elapsed === undefined ? "" : formatSeconds(elapsed + more));
  };
  const timer = setInterval(tick, TICK_MS);
  return {
    heard(value, goesOn) {
      [elapsed, running, since] = [value, goesOn, performance.now()];
      tick();
    },
    stop: () => clearInterval(timer),
  };
}
