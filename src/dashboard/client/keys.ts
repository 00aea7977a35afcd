/** `/` goes to the search; everything else is the browser's. */
export function listenToKeys(): void {
  document.addEventListener('keydown', event => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (/^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
    const search = document.querySelector<HTMLInputElement>('input[type="search"]');
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}

/** The box in the head of a list selects all of it. */
export function listenToSelectAll(): void {
  document.addEventListener('change', ({ target }) => {
    const all = target as HTMLInputElement;
    if (all.id !== 'select-all') return;
    for (const box of document.querySelectorAll<HTMLInputElement>('input[name="webhook"]')) box.checked = all.checked;
  });
}

/** Notes what is filled in, which drawing again would set back to what the server knows. @returns puts it in again */
export function keepForms(root: HTMLElement): () => void {
  const fields = [...root.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input:not([type="hidden"]), select')];
  const kept = fields.map(field => ({
    field,
    value: field.value,
    checked: field instanceof HTMLInputElement && field.checked,
  }));
  return () => {
    for (const { field, value, checked } of kept) {
      if (field.value !== value) field.value = value;
      if (field instanceof HTMLInputElement && field.checked !== checked) field.checked = checked;
    }
  };
}
