// The one Python of a page. It loads Pyodide, answers one message after another, and knows nothing of the page.
//
//   {id, load: [packages]}          -> {id, done}
//   {id, run: code, name}           -> any number of {id, output}, then {id, done}
//   {id, call: function, arguments} -> {id, done: what the function of lrmath.verify returned}
//
// Before it starts on a message it says {id, begun: true}; {id, failed: text} tells what went wrong with the machinery.
// While files arrive it reports {received: bytes}, as they travel, compressed.

const address = (name) => new URL(`${name}${self.location.search}`, self.location.href).href;

// File names with their sizes, as they are and compressed.
const sizes = fetch(address("files.json")).then((answer) => answer.json());

let received = 0, told = 0;
const report = (now) => {
  if (now || Date.now() - told > 80) {
    told = Date.now();
    postMessage({received});
  }
};

const plainFetch = self.fetch;
self.fetch = async (resource, options) => {
  const answer = await plainFetch(resource, options);
  const size = (await sizes)[new URL(answer.url).pathname.split("/").pop()];
  if (!size || !answer.body) {
    return answer;
  }
  const [plain, compressed] = size;
  const count = new TransformStream({
    transform(chunk, controller) {
      received += chunk.length * compressed / plain;
      report();
      controller.enqueue(chunk);
    },
    flush: () => report(true),
  });
  return new Response(answer.body.pipeThrough(count), {headers: answer.headers, status: answer.status});
};

let current; // the message that is being answered

const SOURCES = ["kernel.py", "figures.py", "style.py"];
async function start(packages) {
  const {loadPyodide} = await import(address("pyodide.mjs"));
  const [pyodide, ...files] = await Promise.all([
    loadPyodide({indexURL: new URL(".", self.location.href).href, lockFileURL: address("pyodide-lock.json"), packages: ["lrmath", "sympy", ...packages]}),
    ...SOURCES.map((name) => fetch(address(name)).then((answer) => answer.text())),
  ]);
  SOURCES.forEach((name, index) => pyodide.FS.writeFile(name, files[index]));
  const kernel = pyodide.runPython("import sys; sys.path.insert(0, ''); import kernel; kernel");
  kernel.start((output) => postMessage({id: current, output: JSON.parse(output)}));
  return {pyodide, kernel};
}

let python;
async function answer(message) {
  python ??= start(message.load ?? []);
  const {pyodide, kernel} = await python;
  const needs = message.load ?? (message.run ? JSON.parse(kernel.packages(message.run)) : []);
  await pyodide.loadPackage(needs, {messageCallback: () => {}, errorCallback: (text) => console.error(text)});
  current = message.id;
  postMessage({id: message.id, begun: true});
  if (message.run !== undefined) {
    kernel.run(message.run, message.name);
    return true;
  }
  return message.call ? JSON.parse(kernel.call(message.call, JSON.stringify(message.arguments))) : true;
}

let queue = Promise.resolve();
self.onmessage = ({data}) => {
  queue = queue.then(() => answer(data)).then(
    (done) => postMessage({id: data.id, done}),
    (error) => postMessage({id: data.id, failed: String(error.message ?? error)}),
  );
};
