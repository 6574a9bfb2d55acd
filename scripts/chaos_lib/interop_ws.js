// A Child on Node's ws. Usage: node interop_ws.js PORT LAYOUT_FILE EXCHANGES; prints one line of JSON.
'use strict';

const fs = require('fs');
let WebSocket;
try {
  WebSocket = require('ws');
} catch (error) {
  console.error('there is no Node package ws; on Debian: apt-get install node-ws');
  process.exit(1);
}

// ---- XXH3-64 with seed 0, of 241 bytes or more: all that a frame of weights needs ----

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f' +
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e' +
    '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);
const P32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn];
const P64 = [
  0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n,
];
const MASK = (1n << 64n) - 1n;
const STRIPE = 64, STRIPES_IN_BLOCK = 16;

function accumulate(acc, input, at, secretAt) {
  for (let i = 0; i < 8; ++i) {
    const value = input.readBigUInt64LE(at + 8 * i);
    const key = value ^ SECRET.readBigUInt64LE(secretAt + 8 * i);
    acc[i ^ 1] = (acc[i ^ 1] + value) & MASK;
    acc[i] = (acc[i] + (key & 0xffffffffn) * (key >> 32n)) & MASK;
  }
}

function fold(a, b) {
  const product = a * b;
  return (product & MASK) ^ (product >> 64n);
}

function xxh3(input) {
  if (input.length <= 240) throw new Error('frames this small are hashed in another way');
  const acc = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]];
  const stripes = Math.floor((input.length - 1) / STRIPE);
  for (let n = 0; n < stripes; ++n) {
    accumulate(acc, input, n * STRIPE, 8 * (n % STRIPES_IN_BLOCK));
    if (n % STRIPES_IN_BLOCK === STRIPES_IN_BLOCK - 1) {
      for (let i = 0; i < 8; ++i) {
        acc[i] ^= acc[i] >> 47n;
        acc[i] ^= SECRET.readBigUInt64LE(192 - 64 + 8 * i);
        acc[i] = (acc[i] * P32[0]) & MASK;
      }
    }
  }
  accumulate(acc, input, input.length - STRIPE, 192 - 64 - 7);
  let hash = (BigInt(input.length) * P64[0]) & MASK;
  for (let i = 0; i < 4; ++i) {
    hash += fold(
      acc[2 * i] ^ SECRET.readBigUInt64LE(11 + 16 * i),
      acc[2 * i + 1] ^ SECRET.readBigUInt64LE(11 + 16 * i + 8),
    );
  }
  hash &= MASK;
  hash ^= hash >> 37n;
  hash = (hash * 0x165667919e3779f9n) & MASK;
  return hash ^ (hash >> 32n);
}

// ---- The protocol ----

const HEADER = 80, CHECKSUM_AT = 72;
const [port, layoutFile, count] = process.argv.slice(2);
const layout = JSON.parse(fs.readFileSync(layoutFile, 'utf8'));
const exchanges = Number(count);

function fail(text) {
  console.error(text);
  process.exit(1);
}

function checksum(frame) {
  const zeroed = Buffer.from(frame);
  zeroed.fill(0, CHECKSUM_AT, HEADER);
  return xxh3(zeroed);
}

function pack(session, sequence, update, payload) {
  const frame = Buffer.alloc(HEADER + payload.length);
  frame.write('GKDM', 0, 'latin1');
  frame.writeUInt16LE(1, 4);
  frame.writeUInt16LE(2, 6);
  frame.writeBigUInt64LE(session, 8);
  frame.writeBigUInt64LE(sequence, 16);
  frame.writeBigUInt64LE(update, 24);
  frame.writeUInt16LE(1, 56);
  frame.writeBigUInt64LE(BigInt(payload.length), 64);
  payload.copy(frame, HEADER);
  frame.writeBigUInt64LE(xxh3(frame), CHECKSUM_AT);
  return frame;
}

const link = new WebSocket(`ws://127.0.0.1:${port}/genkidama/1`);
let session = null;
let sequence = 0n;

link.on('open', () => {
  link.send(JSON.stringify({type: 'hello', protocol: 1, role: 'child', name: 'node', layout}));
});
link.on('error', (error) => fail(`the link failed: ${error.message}`));
link.on('message', (data, isBinary) => {
  if (!isBinary) {
    const message = JSON.parse(data.toString());
    if (message.type !== 'welcome') fail(`the Parent said ${data}`);
    session = BigInt(message.session);
    return;
  }
  const frame = Buffer.from(data);
  if (frame.toString('latin1', 0, 4) !== 'GKDM') fail('no frame of weights');
  if (frame.readBigUInt64LE(8) !== session || frame.readBigUInt64LE(16) !== sequence) fail('another exchange');
  if (frame.readBigUInt64LE(CHECKSUM_AT) !== checksum(frame)) fail(`checksum error in exchange ${sequence}`);
  if (sequence === BigInt(exchanges)) {
    link.send(JSON.stringify({type: 'leave', reason: 'done'}));
    return;
  }
  sequence += 1n;
  link.send(pack(session, sequence, frame.readBigUInt64LE(24), frame.subarray(HEADER)));
});
link.on('close', (code) => {
  if (sequence !== BigInt(exchanges)) fail(`closed with ${code} after ${sequence} exchanges`);
  console.log(JSON.stringify({version: require('ws/package.json').version, close_code: code}));
});
