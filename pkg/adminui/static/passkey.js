// Passkeys: a form with data-passkey asks there for a ceremony, has the browser answer it, and is
// posted with the answer.
(() => {
  'use strict';

  const api = window.PublicKeyCredential;
  if (!api?.parseRequestOptionsFromJSON) return; // the forms stay hidden: there is another way on each page

  const begin = async (form) => {
    const body = new URLSearchParams();
    const csrf = form.elements.csrf?.value;
    if (csrf) body.set('csrf', csrf);
    const answer = await fetch(form.dataset.passkey, { method: 'POST', body, headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    return answer.json();
  };

  const answer = ({ options }) => (options.user
    ? navigator.credentials.create({ publicKey: api.parseCreationOptionsFromJSON(options) })
    : navigator.credentials.get({ publicKey: api.parseRequestOptionsFromJSON(options) }));

  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const prefix = form.dataset.prefix ?? '';
    const problem = form.querySelector('.error');
    form.hidden = false;
    form.addEventListener('submit', async (e) => {
      e.preventDefault();
      problem.hidden = true;
      try {
        const ceremony = await begin(form);
        const credential = await answer(ceremony);
        form.elements[`${prefix}token`].value = ceremony.token;
        form.elements[`${prefix}response`].value = JSON.stringify(credential.toJSON());
        form.submit();
      } catch (err) {
        problem.textContent = err.name === 'NotAllowedError' ? 'Nothing was chosen.' : 'That did not work. Reload the page and try again.';
        problem.hidden = false;
      }
    });
  }
})();
