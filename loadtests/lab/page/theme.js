// Runs before the page is drawn, so that a page that was made dark does not flash.
"use strict";
{
  const kept = sessionStorage.getItem("theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
}
