// How much a side can do, and which limit it meets: the same closed queueing network as loadtests/analysis/model/capacity.py, solved
// exactly, without think time. A test holds the two against each other.
"use strict";

const NEAR_FULL = 0.9;
const per = (amount, seconds) => (seconds > 0 ? amount / seconds : Infinity);

// The throughput with 1, 2, … `most` requests inside, in requests/s, by exact mean value analysis.
function ratesInside(cpuS, waitS, cores, most) {
  const queueS = cpuS / cores;
  const elsewhereS = waitS + (cpuS * (cores - 1)) / cores;
  const rates = [];
  let queued = 0;
  for (let requests = 1; requests <= most; requests += 1) {
    const atCpuS = queueS * (1 + queued);
    const rate = per(requests, atCpuS + elsewhereS);
    queued = Number.isFinite(rate) ? rate * atCpuS : 0;
    rates.push(rate);
  }
  return rates;
}

// A side is {cpu_ms, wait_ms, cores, threads, connections}; null threads or connections: it needs none.
function predict(side, users) {
  const admitted = ["threads", "connections"].filter((name) => side[name] !== null);
  const inside = Math.min(users, ...admitted.map((name) => side[name]));
  const rate = ratesInside(side.cpu_ms / 1000, side.wait_ms / 1000, side.cores, inside)[inside - 1];
  return { rate, limit: limitOf(side, users, rate, admitted) };
}

function limitOf(side, users, rate, admitted) {
  if ((rate * side.cpu_ms) / 1000 / side.cores >= NEAR_FULL) return "cpu";
  const tightest = admitted.reduce((least, name) => (least && side[least] <= side[name] ? least : name), null);
  return tightest && users > side[tightest] ? tightest : "users";
}

// Points of a side's curve, [users, requests/s], closer together where users are few.
function curve(side, most) {
  const limits = ["threads", "connections"].map((name) => side[name] ?? most);
  const inside = Math.min(most, ...limits);
  const rates = ratesInside(side.cpu_ms / 1000, side.wait_ms / 1000, side.cores, inside);
  const points = [];
  for (let users = 1; users < most; users = Math.max(users + 1, Math.round(users * 1.03))) {
    points.push([users, rates[Math.min(users, inside) - 1]]);
  }
  points.push([most, rates[inside - 1]]);
  return points;
}
