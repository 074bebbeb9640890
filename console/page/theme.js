// Before anything is drawn, so that nothing flashes.
try {
  const theme = localStorage.getItem('spacegrid-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage is switched off: the system's theme it is.
}
