// A row of phases, each with so many requests a second, whether earlier ones are answered or not. See load.py.
import exec from "k6/execution";
import http from "k6/http";
import { SharedArray } from "k6/data";
import { sleep } from "k6";

const setup = JSON.parse(open(__ENV.SETUP));
const bodies = new SharedArray("bodies", () => open(setup.bodies).split("\n"));
const parameters = { headers: setup.headers, timeout: "60s", responseType: "none" };

export const options = { scenarios: setup.scenarios, noConnectionReuse: setup.close };

export default function () {
  sleep(Math.random());
  const at = Date.now();
  const body = bodies[Number(__ENV.FIRST) + exec.scenario.iterationInTest];
  const { status, timings } = http.post(setup.url, body, parameters);
  console.log(`${at} ${status} ${timings.blocked + timings.duration}`);
}
