"""PyPI `fhirclient`: finds the endpoints in the CapabilityStatement alone, as apps of the first SMART version do."""

import json
import sys

from fhirclient.client import FHIRClient
from fhirclient.models.observation import Observation
from user import REDIRECT_URI, approve, refusal

# The scopes of that version, too.
SCOPES = "launch/patient openid fhirUser offline_access patient/Patient.read patient/Observation.read"


def launch(base):
    settings = {"app_id": "app-public", "api_base": base, "redirect_uri": REDIRECT_URI, "scope": SCOPES}
    smart = FHIRClient(settings=settings, save_func=lambda state: None)
    smart.prepare()
    return smart


def name(smart):
    smart._patient = None  # it remembers whom it has read
    return smart.human_name(smart.patient.name[0])


base = sys.argv[1]
app = launch(base)
app.handle_callback(approve(app.authorize_url))
named = name(app)
seen = Observation.where({"patient": app.patient_id, "_count": "3"}).perform(app.server).entry
before = app.server.auth.access_token
again = app.reauthorize()

# Its own mistake of the server's name.
elsewhere = launch(base)
elsewhere.server.auth.aud = "https://other.example/fhir"
plain = launch(base).authorize_url.replace("code_challenge_method=S256", "code_challenge_method=plain")

print(json.dumps({
    "patient": app.patient_id,
    "name": named,
    "observations": len(seen),
    "of_the_patient": all(one.resource.subject.reference == f"Patient/{app.patient_id}" for one in seen),
    "refreshed": again and app.server.auth.access_token != before,
    "name_after_refresh": name(app),
    "aud": refusal(elsewhere.authorize_url),
    "plain": refusal(plain),
}))
