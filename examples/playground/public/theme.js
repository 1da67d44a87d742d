// Before anything is painted: the theme that was chosen here the last time, else the system's.
(() => {
  let theme;
  try {
    theme = localStorage.getItem('theme');
  } catch {
    // Storage may be forbidden.
  }
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.documentElement.dataset.theme = theme === 'light' || theme === 'dark' ? theme : system;
})();
