// Sets the theme before the page is painted, and remembers the reader's choice on this machine.
(() => {
  const root = document.documentElement;
  const themes = ["light", "dark", "auto"];

  const remembered = () => {
    try {
      const theme = localStorage.getItem("theme");
      return themes.includes(theme) ? theme : "auto";
    } catch {
      return "auto"; // storage is switched off
    }
  };

  const show = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };

  show(remembered());

  document.addEventListener("DOMContentLoaded", () => {
    const control = document.querySelector(".theme");
    control.hidden = false; // of no use where scripts are off
    control.querySelector(`[value="${remembered()}"]`).checked = true;
    control.addEventListener("change", (event) => {
      show(event.target.value);
      try {
        localStorage.setItem("theme", event.target.value);
      } catch {
        // the choice holds for this page
      }
    });
  });
})();
