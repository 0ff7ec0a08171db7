"""How streets are called: the words and endings that make a line an address.

References
----------
USPS Publication 28, appendix C1 (street suffixes) and C2 (secondary units); the postal guides of the UPU for the
order of number, street, postcode and town by country.
"""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

from textcrm.entities.letters import CAPITAL, GAP, UPPER

# After a number and a name: "1200 Alder St".
SUFFIX = (
    r"Alley|Aly|Annex|Arcade|Avenue|Ave|Av|Bayou|Beach|Bend|Bluffs?|Bottom|Boulevard|Blvd|Branch|Bridge|Brooks?|Burgs?|Bypass|Camp|Canyon|Cape|Causeway|"
    r"Centers?|Centre|Circles?|Cir|Cliffs?|Close|Club|Common|Corners?|Course|Courts?|Ct|Coves?|Creek|Crescent|Cres|Crest|Crossing|Crossroad|Curve|Dale|Dam|"
    r"Divide|Drives?|Dr|Estates?|Expressway|Extensions?|Falls?|Ferry|Fields?|Flats?|Fords?|Forest|Forges?|Forks?|Fort|Freeway|Gardens?|Gdns|Gateway|Glens?|"
    r"Greens?|Groves?|Grove|Harbors?|Harbour|Haven|Heights|Highway|Hwy|Hills?|Hollow|Inlet|Islands?|Isle|Junctions?|Keys?|Knolls?|Lakes?|Land|Landing|Lane|Ln|"
    r"Lights?|Loaf|Locks?|Lodge|Loop|Mall|Manors?|Meadows?|Mews|Mills?|Mission|Motorway|Mountains?|Mount|Neck|Orchard|Oval|Overpass|Parade|Parks?|Parkways?|"
    r"Pkwy|Pass|Passage|Path|Pike|Pines?|Place|Pl|Plains?|Plaza|Points?|Ports?|Prairie|Quay|Radial|Ramp|Ranch|Rapids?|Rest|Ridges?|Rise|River|Roads?|Rd|Route|"
    r"Row|Rue|Run|Shoals?|Shores?|Skyway|Springs?|Spurs?|Squares?|Sq|Station|Stravenue|Stream|Streets?|Str|St|Summit|Terrace|Ter|Throughway|Trace|Track|Trafficway|"
    r"Trail|Trl|Tunnel|Turnpike|Underpass|Unions?|Valleys?|Viaduct|Views?|Villages?|Ville|Vista|Walks?|Wall|Way|Ways|Wells?|Yard|Broadway"
)
# The everyday ones of them: these need no further sign.
SURE = (
    r"Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Way|Highway|Hwy|Parkway|Pkwy|Close|Crescent|"
    r"Circle|Cir|Trail|Turnpike|Alley|Row|Walk|Gardens|Mews|Grove|Broadway|Quay|Parade|Expressway|Freeway|Plaza"
)
# These mark a street even without a number: "Heron Turnpike", "Elm Street".
PLAIN_SUFFIX = (
    r"Street|Avenue|Road|Boulevard|Blvd|Lane|Drive|Turnpike|Highway|Terrace|Crescent|Parkway|Expressway|Freeway"
)
# The end of one word, before a number: "Bahnhofstraße 5", "Koivukatu 12".
ENDINGS = tuple(
    "straße strasse str gasse weg platz allee ring damm ufer chaussee steig stieg graben straat laan plein gracht kade dijk "
    "dreef singel steenweg gade vej vænget plads stræde gården toften gatan gata gate gaten vägen väg vegen veien vei vegur "
    "stigen stien gränd torget torg bakken backen haugen svingen stræti braut stígur götu katu tie polku kuja tori kaari "
    "tänav utca körút ská ského cká".split()
)
# A word of its own, between the name and a number: "Mere tee 12", "Király u. 15".
MIDDLE = (
    r"Straße|Strasse|Str\.|Gasse|Weg|Platz|Allee|Ring|Damm|Ufer|straat|laan|weg|plein|Allé|allé|Alle|plads|Plads|vej|Vej|gade|Gade|terrasse|gate|gata|gatan|vei|vägen|väg|"
    r"tee|tn\.?|tänav|mnt|pst|puiestee|u\.|utca|Utca|út|Út|útja|tér|krt\.|körút|köz|sor|fasor|katu|tie|náměstí|nám\.|třída|nábřeží|ulice|ul\.|Street|Streets|Road|Avenue"
)
# Before the name: "rue de la Paix", "Via Garibaldi 12", "ul. Lipowa 12".
PREFIX = (
    r"rue|avenue|av\.|ave\.|boulevard|boul\.|bd|bvd|place|chemin|allée|allées|impasse|quai|cours|route|rte|square|passage|sentier|faubourg|montée|ruelle|"
    r"calle|c/|cl\.|avenida|avda\.?|avd\.|plaza|pza\.?|paseo|pso\.|camino|carrera|ronda|travesía|carretera|ctra\.|glorieta|"
    r"via|v\.le|viale|piazza|piazzale|p\.zza|corso|c\.so|largo|vicolo|strada|contrada|borgo|lungomare|"
    r"rua|r\.|travessa|praça|estrada|alameda|rodovia|beco|"
    r"ul\.|ulica|al\.|aleja|aleje|os\.|osiedle|pl\.|plac|str\.|strada|bulevardul|bd\.|aleea|calea|"
    r"ул\.|улица|пр\.|просп\.|проспект|пер\.|переулок|наб\.|набережная|бул\.|бульвар|οδός|λεωφόρος"
)
SECONDARY = (
    r"(?:Apartment|Apt|Suite|Ste|Unit|Floor|Fl|Flat|Room|Rm|Building|Bldg|Block|Wohnung|Whg|Appartement|Bâtiment|Bât|Étage|Piso|Puerta|Pta|Esc|Interno|Scala|Etage|Stock|m|byt|Lot|Space|Box|Bus|кв|корп|офис)"
    r"\.?[ ]?#?(?:[A-Z]?\d{1,5}[A-Za-z]?|[A-Z]\b)|\#[ ]?\d{1,5}[A-Za-z]?|\d{1,3}(?:st|nd|rd|th)[ ](?:Floor|floor)|\d\.[ ](?:OG|Stock|Etage|th|tv)|[Dd]\d{1,2}|\d{1,2}[ºª°](?:[ ][A-Z]\b)?"
)
PARTICLE = r"(?:de la|de las|de los|de l['’]|de|du|des|del|della|dei|degli|delle|do|da|dos|das|d['’]|la|le|les|el|los|las|y|e|et|und|and|of|the|van der|van den|van de|van|von der|von|am|an der|an|im|in der|auf der|zum|zur|den|het|ten|ter|pod|nad|na|św\.|gen\.|ks\.|St\.|Dr\.|Sgt|Cap\.|Gen\.)"
# A word of a street's name: with a capital, an ordinal, a particle.
WORD = rf"(?:{PARTICLE}[ ]?|{CAPITAL}\.?|\d{{1,3}}(?:st|nd|rd|th|er|e|º|ª)|\d{{1,2}}[.])"
HOUSE = r"\d{1,5}(?:[ ]?[a-zA-Z](?![\w]))?(?:[ ]?[-/–][ ]?\d{1,5}[a-zA-Z]?)?"
NAMES = rf"{CAPITAL}(?:{GAP}(?:(?:{PARTICLE}){GAP})?{CAPITAL}){{0,3}}"
DIRECTION = r"(?:North|South|East|West|Northeast|Northwest|Southeast|Southwest|N|S|E|W|NE|NW|SE|SW)\.?"
UK_POSTCODE = r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d|[A-HK-Y]\d\d|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y]) ?\d[ABD-HJLNP-UW-Z]{2})"
CA_POSTCODE = r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d"
UPPERS = UPPER
