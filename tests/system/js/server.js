'use strict';
// Starts ewerd's demo for a test file, delivers mail to it, and ends it again by its own process id.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');

const ROOT = path.resolve(__dirname, '..', '..', '..');
const READY_MS = 60000;
const REPORT = /(ERROR: (Address|Leak|Thread)Sanitizer|runtime error:)/;

// The program under test, as the Python suites find it.
function ewerd() {
  const named = [process.env.EWERD, process.env.EWER_BUILD && path.join(process.env.EWER_BUILD, 'ewerd'),
    path.join(ROOT, 'build-asan', 'ewerd'), path.join(ROOT, 'build', 'ewerd')];
  const found = named.find((file) => file && fs.existsSync(file));
  if (!found) throw new Error('ewerd is not built: set EWERD');
  return found;
}

// {url, lmtp: {host, port}, users, stop()}; stop fails when a sanitizer had anything to say. Further options are ewerd's.
async function startDemo(...options) {
  const child = spawn(ewerd(), ['demo', '--json', '--listen', '127.0.0.1:0', '--lmtp', '127.0.0.1:0', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (piece) => { log += piece; });
  const ended = new Promise((resolve) => { child.on('close', resolve); });
  const line = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => { child.kill('SIGKILL'); reject(new Error(`not ready\n${log}`)); }, READY_MS);
    readline.createInterface({ input: child.stdout }).once('line', (text) => { clearTimeout(timer); resolve(text); });
    ended.then((code) => { clearTimeout(timer); reject(new Error(`ended with ${code}\n${log}`)); });
  });
  const ready = JSON.parse(line);
  const [host, port] = ready.lmtp.split(':');
  return {
    url: ready.ews_url,
    users: ready.users,
    lmtp: { host, port: Number(port) },
    async stop() {
      child.kill('SIGTERM');
      const code = await ended;
      if (code !== 0 || REPORT.test(log)) throw new Error(`ewerd ended with ${code}\n${log}`);
    },
  };
}

// Delivers one message by LMTP and resolves when it is accepted.
function deliver(server, recipient, message) {
  const body = message.replace(/^\./gm, '..');
  const steps = ['LHLO client.example', 'MAIL FROM:<sender@example.org>', `RCPT TO:<${recipient}>`, 'DATA', `${body}\r\n.`, 'QUIT'];
  return new Promise((resolve, reject) => {
    const socket = net.connect(server.lmtp.port, server.lmtp.host);
    const replies = [];
    socket.on('error', reject);
    readline.createInterface({ input: socket }).on('line', (line) => {
      if (line[3] === '-') return;
      replies.push(line);
      if (!/^[23]/.test(line)) { socket.destroy(); reject(new Error(line)); return; }
      const next = steps.shift();
      if (next === undefined) { socket.end(); resolve(replies); } else socket.write(`${next}\r\n`);
    });
  });
}

module.exports = { startDemo, deliver };
