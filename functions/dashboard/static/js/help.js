// Answers in the app: the service account, permissions, tags, and every reason.
import { html } from "./html.js";
import { get } from "./api.js";
import { ACTORS } from "./format.js";
import { useLoad } from "./state.js";
import { Card, Heading, Loaded } from "./ui.js";
import { ServiceAccountSteps } from "./setup_sides.js";

const LEVELS = [
  ["Directory, in the company", "Read Only, to list the vendors"],
  ["Direct Costs, in each project that is to sync", "Admin; or Read Only or Standard with “Create Direct Cost” and “Update Direct Cost”"],
  ["Work breakdown structure", "Lets the connector add a budget code that a project lacks; without it such purchases wait"],
  ["Webhooks API, in the company and its projects", "Standard. Optional: new projects then appear in PEX within minutes"],
];

// The list of reasons is for those who are signed in.
export function Help({ signedIn = true }) {
  return html`
    <${Heading}>Help<//>
    <${Card} title="How it works">
      <ol class="steps">
        <li>Projects, cost codes and cost types of Procore become options of three tags in PEX.</li>
        <li>A cardholder buys something, chooses the three tags and photographs the receipt.</li>
        <li>Once the purchase settles, it becomes an expense (a direct cost) in Procore: once, with its split and its receipts.</li>
        <li>What is not ready waits, and says why. As soon as it is corrected in PEX, it is imported by itself.</li>
      </ol>
    <//>
    <${Card} title="Create a Procore service account"><${ServiceAccountSteps} />
      <p>Then let the account do what it needs: open the company's <strong>Directory</strong>, find the service account, choose
        <strong> Edit</strong>, and set the levels below in the permissions matrix. Add the projects that are to sync to its
        permitted projects.</p>
    <//>
    <${Card} title="What it may do in Procore">
      <p>“Admin” for every tool works, and is more than is needed. These are enough:</p>
      <dl class="facts wide">${LEVELS.map(([tool, level]) => html`<div key=${tool}><dt>${tool}</dt><dd>${level}</dd></div>`)}</dl>
    <//>
    <${Card} title="What the PEX login needs">
      <p>Three permissions of an administrator, in PEX under My Profile → Permissions: <strong>Edit business settings & apps</strong>,
        <strong> Manage cardholder</strong>, <strong>View card transactions</strong>.</p>
    <//>
    <${Card} title="What “Required” means for a tag">
      <p>A tag that is required in PEX cannot be left empty by cardholders. Cost codes and cost types should be required: without
        them a purchase waits here instead of reaching Procore. Make the Projects tag required too, unless some purchases belong to
        no project; those wait as well, and can be ignored.</p>
      <p>You set it in PEX under Business settings → Tag Manager. We never change it.</p>
    <//>
    ${signedIn && html`<${Reasons} />`}
    <${Card} title="More help"><p>Questions about the connector: <a href="mailto:appsupport+procore@pexcard.com">appsupport+procore@pexcard.com</a></p><//>
  `;
}

function Reasons() {
  const reasons = useLoad(async () => (await get("reasons")).items);
  return html`
    <${Card} title="Reasons, and who can help" id="reasons">
      <${Loaded} from=${reasons}>
        ${(items) => html`
          <div class="table-wrap" tabindex="0" role="region" aria-label="Reasons"><table class="stacks">
            <thead><tr><th scope="col">What is the matter</th><th scope="col">Who</th><th scope="col">What to do</th></tr></thead>
            <tbody>${items.map((one) => html`
              <tr key=${one.code}><td class="wide">${one.text}</td><td>${one.actor === "nobody" ? "—" : ACTORS[one.actor]}</td><td>${one.what_to_do}</td></tr>`)}</tbody>
          </table></div>`}
      <//>
    <//>
  `;
}
