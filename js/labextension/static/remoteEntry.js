// SQL colours in %%syndb cells, for JupyterLab and Notebook. Written by hand against the interface of module
// federation that prebuilt extensions are loaded through, so that nothing has to be built.
(() => {
  let scope;

  async function shared(name) {
    const versions = Object.values(scope[name]);
    const version = versions.find((one) => one.loaded) ?? versions[0];
    return (await version.get())();
  }

  async function extension() {
    const [codemirror, { Compartment, Prec }, { ViewPlugin }] = await Promise.all(
      ["@jupyterlab/codemirror", "@codemirror/state", "@codemirror/view"].map(shared),
    );
    const { EditorExtensionRegistry, IEditorExtensionRegistry, IEditorLanguageRegistry } = codemirror;

    const isSql = (state) => /^\s*%%syndb(\s|$)/.test(state.sliceDoc(0, 200));

    function colours(languages) {
      const language = new Compartment();
      const watch = ViewPlugin.define((view) => {
        let shown = false;
        const look = async () => {
          const wanted = isSql(view.state);
          if (wanted === shown) return;
          shown = wanted;
          const found = wanted ? await languages.getLanguage("SQL") : null;
          if (wanted !== shown) return;
          view.dispatch({ effects: language.reconfigure(found?.support ? Prec.highest(found.support) : []) });
        };
        Promise.resolve().then(look);
        return { update: (change) => void (change.docChanged && Promise.resolve().then(look)) };
      });
      return [language.of([]), watch];
    }

    return {
      id: "syndb-lab:sql",
      description: "SQL colours in %%syndb cells",
      autoStart: true,
      requires: [IEditorExtensionRegistry, IEditorLanguageRegistry],
      activate: (_, extensions, languages) => {
        extensions.addExtension({
          name: "syndb-lab:sql",
          factory: ({ inline }) =>
            inline ? EditorExtensionRegistry.createImmutableExtension(colours(languages)) : null,
        });
      },
    };
  }

  (window._JUPYTERLAB ??= {})["syndb-lab"] = {
    init: (given) => void (scope = given),
    get: async () => {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
