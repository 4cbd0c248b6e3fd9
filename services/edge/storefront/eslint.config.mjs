// Rules for the shop's scripts, which make lint checks.
const browser = ['AbortController', 'AbortSignal', 'BroadcastChannel', 'DOMParser', 'FormData', 'Image', 'Intl', 'Node', 'URL', 'URLSearchParams',
  'Response', 'addEventListener', 'clearTimeout', 'document', 'fetch', 'history', 'location', 'open', 'print',
  'requestAnimationFrame', 'sessionStorage', 'setImmediate', 'setTimeout'];

export default [{
  languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: Object.fromEntries(browser.map((name) => [name, 'readonly'])) },
  linterOptions: { reportUnusedDisableDirectives: 'error' },
  rules: {
    'array-callback-return': 'error',
    'consistent-return': 'error',
    'default-case': 'error',
    eqeqeq: 'error',
    'no-constant-condition': 'error',
    'no-dupe-keys': 'error',
    'no-duplicate-imports': 'off',
    'no-empty': 'error',
    'no-eval': 'error',
    'no-fallthrough': 'error',
    'no-implied-eval': 'error',
    'no-self-assign': 'error',
    'no-shadow': 'error',
    'no-undef': 'error',
    'no-unreachable': 'error',
    'no-unused-vars': 'error',
    'no-useless-return': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'require-atomic-updates': 'off',
    'use-isnan': 'error',
  },
}];
