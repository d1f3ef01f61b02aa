// Shows new events as they come, where the page follows them. Without it the
// page loads again by itself.
const list = document.querySelector("[data-stream]");
if (list) {
  const stream = new EventSource(list.dataset.stream);
  const most = 100;
  stream.addEventListener("message", async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const rows = page.querySelectorAll("[data-stream] tbody tr");
    const body = list.querySelector("tbody");
    if (!body || !rows.length) return location.reload();
    for (const row of [...rows].reverse()) {
      if (document.getElementById(row.id)) continue;
      body.prepend(row);
      row.dispatchEvent(new Event("lanyard:new", {bubbles: true}));
    }
    while (body.rows.length > most) body.lastElementChild.remove();
  });
}
