"use strict";

// The secrets stay in this page's memory: they are neither stored nor put into URLs.
const prefix = document.documentElement.dataset.prefix;
const base = `${prefix}/elements/api-v2`;
const choice = document.getElementById("choice");
const chosen = document.getElementById("document");
const authorization = document.getElementById("authorization");
const problem = document.getElementById("problem");

async function fetchDescription() {
  const option = chosen.selectedOptions[0];
  const secrets = authorization.value.trim();
  const headers = {};
  if ("secret" in option.dataset) {
    if (!secrets) {
      throw new Error("This description needs User and Element in Authorization.");
    }
    headers.Authorization = secrets;
  }
  const answer = await fetch(base + option.value, { headers });
  const body = await answer.json();
  if (!answer.ok) {
    throw new Error(body.message);
  }
  return body;
}

function withSecrets(request) {
  const secrets = authorization.value.trim();
  const ours = new URL(request.url, location.href).origin === location.origin;
  if (secrets && ours && !request.headers.Authorization) {
    request.headers.Authorization = secrets;
  }
  return request;
}

async function show(event) {
  event?.preventDefault();
  problem.textContent = "";
  try {
    const spec = await fetchDescription();
    SwaggerUIBundle({
      spec,
      dom_id: "#description",
      deepLinking: false,
      docExpansion: "none",
      defaultModelsExpandDepth: 0,
      filter: true,
      persistAuthorization: false,
      requestInterceptor: withSecrets,
      validatorUrl: null,
    });
  } catch (error) {
    problem.textContent = error.message;
  }
}

choice.addEventListener("submit", show);
show();
