// Talks to the sandbox. What it refuses is thrown as an Error with its sentence.

async function answer(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? "The sandbox did not understand.");
  return body;
}

async function reach(path, options) {
  try {
    return await fetch(`/sandbox/api/${path}`, options);
  } catch {
    throw new Error("The sandbox does not answer. Is it still running?");
  }
}

export async function get(path) {
  return answer(await reach(path));
}

export async function post(act, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(await reach(act, { method: "POST", headers, body: JSON.stringify(body) }));
}
