// Starts Spotlight's server, and not its command line, which reports to its makers; prints its port.
import { Server } from 'node:net';
import { setupSpotlight } from '@spotlightjs/spotlight';

// It would listen on every address of the machine.
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, _host, ...rest) {
  return listen.call(this, port, '127.0.0.1', ...rest);
};

const server = await setupSpotlight({ port: 0, isStandalone: true });
console.log(`port ${server.address().port}`);
