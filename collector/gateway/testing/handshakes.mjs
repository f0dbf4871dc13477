// A stranger that opens connections without end: plain Node, a process of its own. Arguments: port, own address, number,
// ClientHello in hex. Each connection sends it and waits for an answer or the end. Prints how they ended.
import { connect } from 'node:net';

const [port, localAddress, count, hello] = process.argv.slice(2);
const bytes = Buffer.from(hello, 'hex');
const AT_ONCE = 200;
const ended = { answered: 0, closed: 0 };
let begun = 0;

function open() {
  if (begun >= Number(count)) return;
  begun += 1;
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress });
  let answered = false;
  socket.on('connect', () => socket.write(bytes));
  socket.on('data', () => {
    answered = true;
    socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    ended[answered ? 'answered' : 'closed'] += 1;
    if (ended.answered + ended.closed === Number(count)) process.stdout.write(JSON.stringify(ended));
    open();
  });
}

for (let slot = 0; slot < AT_ONCE; slot++) open();
