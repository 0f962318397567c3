// The text of a job's elapsed time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSeconds } from "../src/clock.js";

test("seconds are written as people read them", () => {
  assert.deepEqual([0, 59.94, 60, 3599.9, 3661].map(formatSeconds), ["0.0 s", "59.9 s", "1:00 min", "59:59 min", "1:01:01 h"]);
});
