// Shows times in the reader's zone. Without it they are in UTC. A page that the
// browser kept and brings back is asked for anew: what it says may have ended.
const page = document.documentElement.lang;
const lang = navigator.languages.find((l) => l.split("-")[0] === page) ?? page;
const near = new Intl.DateTimeFormat(lang, {day: "numeric", month: "short", hour: "numeric", minute: "2-digit"});
function local(part) {
  for (const t of part.querySelectorAll("time[datetime]")) {
    const at = new Date(t.dateTime);
    if (isNaN(at)) continue;
    const here = new Intl.DateTimeFormat(lang, {dateStyle: "medium", timeStyle: "short"}).format(at);
    const exact = t.querySelector("span");
    if (exact) exact.textContent = "near" in exact.dataset ? near.format(at) : here;
    t.title = here + " · " + t.title;
  }
}
local(document);
addEventListener("pageshow", (e) => e.persisted && location.replace(location.pathname + location.search));
document.addEventListener("lanyard:new", (e) => local(e.target));
