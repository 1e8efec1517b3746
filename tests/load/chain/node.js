// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A service in Node of those that call one another: one thread, all of it callbacks. tests/load/chain.c says what they
// have in common.
//
//	node.js --next PORT [--port PORT] [--truth FILE] [--name NAME] [--calls N] [--close]
'use strict';
const http = require('http'), fs = require('fs');

const args = {next: '0', port: '0', truth: '/dev/stdout', name: 'node', calls: '1', close: false};
for (let i = 2; i < process.argv.length; i++) {
	const name = process.argv[i].replace(/^--/, '');
	if (!(name in args)) throw new Error('what is ' + process.argv[i] + '?');
	args[name] = args[name] === false ? true : process.argv[++i];
}
const agent = new http.Agent({keepAlive: !args.close, maxSockets: 1000});
const records = [];
const wall = () => Math.round((performance.timeOrigin + performance.now()) * 1e6);

const ask = (req, n, done) => {
	const hop = req.headers['x-hop'] + '.' + args.name[0] + n, headers = {'X-Hop': hop};
	for (const h of ['x-chain-id', 'x-request-id', 'b3', 'traceparent'])
		if (req.headers[h]) headers[h] = req.headers[h];
	http.get({host: '127.0.0.1', port: args.next, path: req.url, headers, agent}, (res) => {
		if (res.headers['x-hop'] !== hop) throw new Error(hop + ' was answered by ' + res.headers['x-hop']);
		res.resume().on('end', () => {
			if (n < args.calls) ask(req, n + 1, done);
			else done(res.statusCode);
		});
	});
};
const server = http.createServer((req, res) => {
	const begin = wall(), chain = req.headers['x-chain-id'], hop = req.headers['x-hop'];
	ask(req, 1, (status) => {
		records.push(JSON.stringify({type: 'served', service: args.name, chain, hop, server_port: req.socket.localPort,
			client_port: req.socket.remotePort, pid: process.pid, tid: process.pid, begin_ns: begin, end_ns: wall()}));
		res.writeHead(status, {'X-Chain-Id': chain, 'X-Hop': hop, 'Content-Length': 7});
		res.end('chain.\n');
	});
});
server.keepAliveTimeout = 60000;
const end = () => {
	fs.appendFileSync(args.truth, records.map((r) => r + '\n').join(''));
	process.exit(0);
};
process.on('SIGTERM', end).on('SIGINT', end);
server.listen(+args.port, '127.0.0.1', 1024, () => console.log('listening ' + server.address().port));
