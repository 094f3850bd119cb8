// What the scripts share: where the server is, how a step is told, and the code out of the mail.
// A step is one line of JSON on stdout: what it was, and what it met: "done", or the error in its own words.

export const place = JSON.parse(process.argv[2]);

export async function step(name, body) {
  let met;
  try {
    const told = await body();
    met = typeof told === "string" ? told : "done";
  } catch (error) {
    met = inWords(error);
  }
  process.stdout.write(`${JSON.stringify({ step: name, met })}\n`);
}

export function inWords(error) {
  const isPlain = !error.name || error.name === "Error";
  const name = isPlain ? (error.code ?? error.constructor.name) : error.name;
  return `${name}: ${error.message}`;
}

export async function codeSentTo(address) {
  const answer = await fetch(`${place.endpoint}/_cenote/inbox?to=${encodeURIComponent(address)}&wait=5`);
  const [newest] = await answer.json();
  if (!newest) throw new Error(`no mail to ${address}`);
  return newest.code;
}

export function must(holds, claim) {
  if (!holds) throw new Error(`it does not hold that ${claim}`);
}
