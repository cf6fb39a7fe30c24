// Lets this process reach its own machine alone, and prints each other host that it tries: `node --import ./guard.js`.
import { Socket } from 'node:net';

const HERE = new Set(['localhost', '127.0.0.1', '::1']);
const connect = Socket.prototype.connect;

Socket.prototype.connect = function (...args) {
  // Node hands on its own list of arguments, or those of the caller: options, or a port and a host.
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  const host = typeof first === 'object' ? (first.host ?? 'localhost') : typeof second === 'string' ? second : 'localhost';
  if (HERE.has(host)) return connect.apply(this, args);
  console.log(`tried ${host}`);
  return this.destroy(new Error(`${host} is another machine`));
};
