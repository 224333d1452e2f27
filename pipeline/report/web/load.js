// Data that lies beside the page as scripts: from disk a browser may load scripts, but not JSON.
'use strict';

(() => {
  const loading = new Map();  // address: promise of its data

  // What each such script calls.
  phonoscope.receive = data => { document.currentScript.received = data; };

  function fetched(address) {
    return new Promise((resolve, reject) => {
      const script = phonoscope.make('script');
      const missing = () => reject(new Error(`${address} is missing: the report's folder is not complete.`));
      script.src = address;
      script.onload = () => (script.received === undefined ? missing() : resolve(script.received));
      script.onerror = missing;
      document.head.append(script);
    });
  }

  // Each is loaded once.
  phonoscope.load = address => {
    if (!loading.has(address)) loading.set(address, fetched(address));
    return loading.get(address);
  };
})();
