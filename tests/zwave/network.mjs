// A Z-Wave network without radio, behind the real Z-Wave JS and its real server: one process.
//
//   node network.mjs CACHE_DIRECTORY
//
// The stick and its nodes are those with which Z-Wave JS tests itself. All objects come from the same ES modules: those of
// the CommonJS builds are others, and are silently not understood.
//
// It is told what to do in lines of JSON on its standard input, {"do": NAME, ...}, and answers each with one line:
// {"done": ...} or {"failed": "why"}. The first line that it writes is {"done": {"port": PORT}}, when all nodes are ready.

import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { CommandClasses, ZWaveError, ZWaveErrorCodes } from "@zwave-js/core";
import { MeterCCReport, MultilevelSensorCCReport, WakeUpCCWakeUpNotification } from "@zwave-js/cc";
import { MockController, MockNode, createMockZWaveRequestFrame } from "@zwave-js/testing";
import { createAndStartDriverWithMockPort, createDefaultMockControllerBehaviors, createDefaultMockNodeBehaviors } from "zwave-js/Testing";
import { ZwavejsServer } from "@zwave-js/server";

const ELECTRIC = 1, CONSUMED = 1;
const KWH = 0, W = 2;
const AIR_TEMPERATURE = 1, POWER = 4, HUMIDITY = 5;

// What the sensors of each node measure: values of the meter by scale, of the multilevel sensor by type.
const measured = {
  2: { meter: { [W]: 151.5, [KWH]: 123.4 }, sensor: { [POWER]: 150.3 } },
  3: { meter: { [W]: 402, [KWH]: 1024.25 }, sensor: { [POWER]: 401.2 } },
  4: { meter: { [W]: 553.5, [KWH]: 1147.65 }, sensor: { [POWER]: 551.5 } },
  5: { sensor: { [AIR_TEMPERATURE]: 21.5, [HUMIDITY]: 48 } },
};

const meter = (values) => ({
  ccId: CommandClasses.Meter, isSupported: true, version: 4, meterType: ELECTRIC, supportedRateTypes: [CONSUMED],
  supportsReset: true, supportedScales: Object.keys(values).map(Number), getValue: (scale) => values[scale],
});
const sensor = (values) => ({
  ccId: CommandClasses["Multilevel Sensor"], isSupported: true, version: 11, getValue: (type) => values[type],
  sensors: Object.fromEntries(Object.keys(values).map((type) => [type, { supportedScales: [0] }])),
});
const plug = (id) => ({
  id, capabilities: { commandClasses: [CommandClasses.Version, meter(measured[id].meter), sensor(measured[id].sensor)] },
});
const battery = (id) => ({
  id, capabilities: {
    isListening: false, isFrequentListening: false,
    commandClasses: [CommandClasses.Version, CommandClasses["Wake Up"], sensor(measured[id].sensor)],
  },
});
const network = [plug(2), plug(3), plug(4), battery(5)];

const { driver, mockPort, serial, continueStartup } = await createAndStartDriverWithMockPort({
  securityKeys: { S0_Legacy: Buffer.from("0102030405060708090a0b0c0d0e0f10", "hex") },
  storage: { cacheDir: process.argv[2] }, logConfig: { enabled: false }, emitValueUpdateAfterSetValue: true,
  testingHooks: { skipFirmwareIdentification: true }, // identifying the controller must not be skipped: Z-Wave JS 15.29 fails
});
const controller = await MockController.create({ homeId: 0x7e570001, ownNodeId: 1, mockPort, serial });
controller.defineBehavior(...createDefaultMockControllerBehaviors());
const mocks = {};
for (const each of network) {
  mocks[each.id] = await MockNode.create({ ...each, controller });
  mocks[each.id].defineBehavior(...createDefaultMockNodeBehaviors());
  controller.addNode(mocks[each.id]);
}

const port = await new Promise((resolve) => {
  const free = createServer().listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => { const { port } = free.address(); free.close(() => resolve(port)); });
});
const silent = () => {};
const logger = { error: silent, warn: silent, info: silent, debug: silent }; // it writes to the standard output
let server;
const serve = async () => {
  server = new ZwavejsServer(driver, { port, host: "127.0.0.1", enableDNSServiceDiscovery: false, logger });
  await server.start(true);
};
const nodeOf = ({ node }) => driver.controller.nodes.getOrThrow(node);
const report = ({ node, kind, type, value }) => kind === "meter"
  ? new MeterCCReport({ nodeId: controller.ownNodeId, type: ELECTRIC, scale: type, rateType: CONSUMED, value, deltaTime: 0 })
  : new MultilevelSensorCCReport({ nodeId: controller.ownNodeId, type, scale: 0, value });
const send = (node, said) => mocks[node].sendToController(createMockZWaveRequestFrame(said, { ackRequested: false }));
const wakeUp = (node) => send(node, new WakeUpCCWakeUpNotification({ nodeId: controller.ownNodeId }));
let failures = [];

const commands = {
  // What a poll finds from now on; no report is sent.
  measure: ({ node, kind, type, value }) => { measured[node][kind][type] = value; },
  // The node measures and says so without being asked.
  report: async (said) => {
    commands.measure(said);
    await send(said.node, report(said));
  },
  dead: (said) => nodeOf(said).markAsDead(),
  alive: (said) => nodeOf(said).markAsAlive(),
  asleep: (said) => nodeOf(said).markAsAsleep(),
  awake: ({ node }) => wakeUp(node),
  // A node that is out of reach, or back.
  reach: ({ node, reached }) => {
    if (reached) delete mocks[node].onControllerFrame;
    else mocks[node].onControllerFrame = async () => {};
  },
  // The next polls fail, one for each true in the list.
  fail: ({ polls }) => { failures = polls; },
  status: (said) => nodeOf(said).status,
  drop: () => { for (const client of server.sockets.clients) client.socket.terminate(); },
  // The server goes away, and comes back on the same port.
  stop: async () => { await server.destroy(); },
  serve,
  // A server whose Z-Wave JS is not there yet.
  ready: ({ ready }) => { Object.defineProperty(driver, "ready", { value: ready, configurable: true }); },
};

// A node with a battery is asked what it can while it is awake, and sleeps as soon as it is known that it has one.
driver.once("driver ready", () => driver.controller.nodes.getOrThrow(5).once("sleep", () => wakeUp(5)));
driver.once("all nodes ready", async () => {
  for (const node of driver.controller.nodes.values()) {
    const poll = node.pollValue.bind(node);
    node.pollValue = (value) => {
      if (failures.shift()) throw new ZWaveError("no answer from the node", ZWaveErrorCodes.Controller_NodeTimeout);
      return poll(value);
    };
  }
  await serve();
  answer({ done: { port } });
});

const answer = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);
createInterface({ input: process.stdin }).on("line", async (line) => {
  try {
    const said = JSON.parse(line);
    answer({ done: (await commands[said.do](said)) ?? null });
  } catch (error) {
    answer({ failed: String(error?.message ?? error) });
  }
}).on("close", () => process.exit(0));

continueStartup();
