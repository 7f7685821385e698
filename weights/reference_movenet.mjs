// Runs MoveNet's original TensorFlow.js graphs, for weights/reference_movenet.py. In a folder with
// the package (npm install @tensorflow/tfjs@4.22.0):
//
//   node reference_movenet.mjs GRAPH HEIGHT WIDTH PICTURE OUT
//
// GRAPH is the path of an original without its ending (models/movenet-lightning, say). PICTURE holds
// uint8 [HEIGHT, WIDTH, 3], RGB. OUT.NAME gets, as float32, the graph's output and each head's map
// [H, W, C], before the sigmoid.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const tf = createRequire(path.join(process.cwd(), 'here'))('@tensorflow/tfjs');
const [graph, height, width, picture, out] = process.argv.slice(2);

const json = JSON.parse(fs.readFileSync(`${graph}.json`));
const weights = new Uint8Array(fs.readFileSync(`${graph}.bin`));
const model = await tf.loadGraphModel(tf.io.fromMemory({
  modelTopology: json.modelTopology,
  weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
  weightData: weights.buffer,
}));

const names = { output: model.outputs[0].name };
for (const { name } of json.modelTopology.node) {
  const head = /(center|kpt_heatmap|kpt_regress|kpt_offset|box_scale|box_offset)_0\/conv2d_\d\/BiasAdd$/;
  if (head.test(name)) names[name.match(head)[1]] = name;
}

const input = tf.tensor(fs.readFileSync(picture), [1, Number(height), Number(width), 3], 'int32');
const outputs = model.execute({ [model.inputs[0].name]: input }, Object.values(names));
Object.keys(names).forEach((name, i) => {
  fs.writeFileSync(`${out}.${name}`, new Uint8Array(outputs[i].dataSync().buffer));
});
