"""Words that decide: given and family names, common words, what looks like a name and is none, countries."""

# ruff: noqa: E501 (lists of words inside patterns read better unbroken)
from __future__ import annotations

from functools import cache
from importlib.resources import files

NOT_NAMES = frozenset(
    """
    a about after again all also am an and any are as at be because been before but by can could did do does done
    else even ever every everyone everything for from get give go good got great had has have he her here hers him
    his how however i if in into is it its just let like look make many may maybe me might more most much must my
    need never new no none not nothing now of off ok okay on once one only or other our out over please quite
    really regards said same say see send she should since so some someone something sorry still sure such take
    than thank thanks that the their them then there these they thing this those though thus to today tomorrow
    tonight too two under until up upon us use used very was way we well went were what when where whether which
    while who whose why will wish with without would yes yesterday yet you your yours hi hello hey dear sir madam
    team all everyone everybody folks guys support service customer customers sales billing help helpdesk desk
    admin manager director staff sirs gentlemen ladies agent bot colleague colleagues friend friends bonjour
    monday tuesday wednesday thursday friday saturday sunday january february march april june july august
    september october november december mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct nov
    dec order invoice ticket case account card phone email mail e-mail fax tel mobile website web address subject
    date time name title company department personal info information note notes ps update question answer re fw
    fwd url id iban ssn vat pdf api faq cv zip code street city state country total price amount number no nr ref
    reference status type description item items product products delivery shipping payment refund return credit
    debit bank password login user username online happy glad unhappy disappointed frustrated interested looking
    writing having trying getting going contacting following unable currently always best kind warm many god jesus
    english internet windows android iphone mac linux sent am pm usd eur gbp asap fyi lol omg atm pin sepa app
    apps eu aud cad chf wow wifi sim imac ipod ipad url conclusion overall furthermore unfortunately firstly
    secondly finally lastly however moreover additionally basically hopefully actually honestly definitely labor
    royal orchestra holiday christmas easter bot bots moderator herr frau mr mrs ms miss dr prof sehr geehrte
    geehrter damen herren liebe lieber guten tag ich wir sie mit und der die das ein eine von zu kundenservice
    kundendienst madame monsieur service client equipo señor señora atención north south east west northern
    southern eastern western part step page section chapter version
    """.split()
)

NATIONALITIES = frozenset(
    """
    afghan albanian algerian american andorran angolan argentine argentinian armenian australian austrian
    azerbaijani bahamian bahraini bangladeshi barbadian belarusian belgian belizean beninese bhutanese bolivian
    bosnian brazilian british bruneian bulgarian burkinabe burmese burundian cambodian cameroonian canadian
    chadian chechen chilean chinese colombian congolese croatian cuban cypriot czech danish dominican dutch
    ecuadorian egyptian emirati english eritrean estonian ethiopian european fijian filipino finnish french
    gabonese gambian georgian german ghanaian greek greenlandic grenadian guatemalan guinean guyanese haitian
    honduran hungarian icelandic indian indonesian iranian iraqi irish israeli italian ivorian jamaican japanese
    jordanian kazakh kenyan korean kosovar kuwaiti kyrgyz laotian latvian lebanese liberian libyan lithuanian
    luxembourgish macedonian malagasy malawian malaysian maldivian malian maltese mauritanian mauritian mexican
    moldovan mongolian montenegrin moroccan mozambican namibian nepalese nicaraguan nigerian norwegian omani
    pakistani palestinian panamanian paraguayan persian peruvian polish portuguese qatari romanian russian rwandan
    salvadoran samoan saudi scottish senegalese serbian singaporean slovak slovakian slovenian somali spanish
    sudanese surinamese swedish swiss syrian taiwanese tajik tanzanian thai tibetan togolese tongan tunisian
    turkish turkmen ugandan ukrainian uruguayan uzbek venezuelan vietnamese welsh yemeni zambian zimbabwean
    african asian arab latino hispanic caucasian jewish muslim christian catholic hindu buddhist
    """.split()
)

COUNTRIES = tuple(
    " ".join(country.split())
    for country in """
    Afghanistan, Albania, Algeria, Andorra, Angola, Argentina, Armenia, Australia, Austria, Azerbaijan, Bahamas,
    Bahrain, Bangladesh, Barbados, Belarus, Belgium, Belize, Benin, Bhutan, Bolivia, Bosnia and Herzegovina,
    Bosnia, Botswana, Brazil, Brunei, Bulgaria, Burkina Faso, Burundi, Cambodia, Cameroon, Canada, Cape Verde,
    Chile, China, Colombia, Congo, Costa Rica, Croatia, Cuba, Cyprus, Czech Republic, Czechia, Denmark, Djibouti,
    Dominican Republic, Ecuador, Egypt, El Salvador, England, Eritrea, Estonia, Eswatini, Ethiopia, Fiji, Finland,
    France, Gabon, Gambia, Germany, Ghana, Greece, Greenland, Guatemala, Guinea, Guyana, Haiti, Honduras, Hong
    Kong, Hungary, Iceland, India, Indonesia, Iran, Iraq, Ireland, Israel, Italy, Ivory Coast, Jamaica, Japan,
    Kazakhstan, Kenya, Kosovo, Kuwait, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho, Liberia, Libya, Liechtenstein,
    Lithuania, Luxembourg, Macau, Macedonia, North Macedonia, Madagascar, Malawi, Malaysia, Maldives, Mali, Malta,
    Mauritania, Mauritius, Mexico, Moldova, Monaco, Mongolia, Montenegro, Morocco, Mozambique, Myanmar, Namibia,
    Nepal, Netherlands, The Netherlands, New Zealand, Nicaragua, Niger, Nigeria, North Korea, Northern Ireland,
    Norway, Oman, Pakistan, Palestine, Panama, Papua New Guinea, Paraguay, Peru, Philippines, Poland, Portugal,
    Puerto Rico, Qatar, Romania, Russia, Rwanda, San Marino, Saudi Arabia, Scotland, Senegal, Serbia, Seychelles,
    Sierra Leone, Singapore, Slovakia, Slovenia, Somalia, South Africa, South Korea, South Sudan, Spain, Sri
    Lanka, Sudan, Suriname, Sweden, Switzerland, Syria, Taiwan, Tajikistan, Tanzania, Thailand, Togo, Tonga,
    Trinidad and Tobago, Tunisia, Turkey, Türkiye, Turkmenistan, Uganda, Ukraine, United Arab Emirates, UAE,
    United Kingdom, UK, Great Britain, United States, United States of America, USA, U.S.A., U.S., Uruguay,
    Uzbekistan, Vatican City, Venezuela, Vietnam, Wales, Yemen, Zambia, Zimbabwe, Deutschland, Österreich,
    Schweiz, Frankreich, Italien, Spanien, Niederlande, Belgien, Polen, Dänemark, Schweden, Norwegen, Finnland,
    Ungarn, Griechenland, Tschechien, Allemagne, Autriche, Suisse, Espagne, Italie, Belgique, Pays-Bas,
    Royaume-Uni, États-Unis, España, Alemania, Francia, Italia, México, Brasil, Perú, Nederland, België,
    Duitsland, Polska, Niemcy, Suomi, Sverige, Norge, Danmark, Россия, Германия, Украина, Франция, 中国, 日本, 德国, 美国,
    ドイツ, アメリカ
    """.split(",")
)

# Firms that customers name often, some spelt like common words: these are known in any company.
BRANDS = tuple(
    " ".join(brand.split())
    for brand in """
    Adidas, Adobe, Airbnb, Air France, Aldi, Alibaba, AliExpress, Allianz, Amazon, American Airlines, American
    Express, Apple, AT&T, Auchan, Audi, Aviva, AXA, Bank of America, Barclays, Best Buy, BMW, BNP Paribas, Boeing,
    Bosch, British Airways, BT, Carrefour, Chase, Cisco, Citibank, Coca-Cola, Comcast, Commerzbank, Costco,
    Decathlon, Delta Air Lines, Deutsche Bahn, Deutsche Bank, Deutsche Post, Deutsche Telekom, DHL, Dropbox,
    easyJet, eBay, Etsy, Expedia, Facebook, FedEx, Fiat, Fnac, Google, H&M, Hermes, HSBC, Huawei, IBM, IKEA,
    Inditex, ING, Instagram, Intel, John Lewis, JPMorgan, KLM, Kroger, Lenovo, Lidl, Lloyds, LinkedIn, Lufthansa,
    Lyft, Marks & Spencer, Mastercard, McDonald's, Media Markt, MediaMarkt, Mercedes, Meta, Microsoft, Monzo, N26,
    Natwest, NatWest, Nestlé, Netflix, Nike, Nintendo, Nissan, Nokia, Nvidia, Oracle, Otto, Paypal, PayPal, Pepsi,
    Peugeot, Philips, Pinterest, PwC, Reddit, Renault, Revolut, Royal Mail, Ryanair, Sainsbury's, Salesforce,
    Samsung, Santander, SAP, Shopify, Siemens, Sky, Skype, Slack, Snapchat, Sony, Spotify, Starbucks, Stripe,
    T-Mobile, Tesco, Tesla, TikTok, Toshiba, Toyota, Twitter, Uber, Unilever, UPS, USPS, Verizon, Visa, Vodafone,
    Volkswagen, Volvo, Walmart, Wells Fargo, WhatsApp, Wikipedia, Wise, Xiaomi, Yahoo, YouTube, Zalando, Zara,
    Zoom
    """.split(",")
)

REGIONS = tuple(
    " ".join(region.split())
    for region in """
    Alabama, Alaska, Arizona, Arkansas, California, Colorado, Connecticut, Delaware, Florida, Hawaii, Idaho,
    Illinois, Indiana, Iowa, Kansas, Kentucky, Louisiana, Maine, Maryland, Massachusetts, Michigan, Minnesota,
    Mississippi, Missouri, Montana, Nebraska, Nevada, New Hampshire, New Jersey, New Mexico, New York, North
    Carolina, North Dakota, Ohio, Oklahoma, Oregon, Pennsylvania, Rhode Island, South Carolina, South Dakota,
    Tennessee, Texas, Utah, Vermont, West Virginia, Wisconsin, Wyoming, Alberta, British Columbia, Manitoba, New
    Brunswick, Newfoundland, Nova Scotia, Ontario, Quebec, Saskatchewan, New South Wales, Queensland, South
    Australia, Tasmania, Bavaria, Bayern, Catalonia
    """.split(",")
)


@cache
def names() -> dict[str, str]:
    """Return the known names in lower case with their flags: ``g`` given, ``s`` family, ``?`` also a common word."""
    return dict(line.rsplit(" ", 1) for line in _lines("names.txt"))


@cache
def common_words() -> frozenset[str]:
    """Return English words that stand mostly in lower case."""
    return frozenset(_lines("common_words.txt"))


def is_common(word: str) -> bool:
    """Say whether *word* (any case) is a common English word, or its plural."""
    folded = word.lower()
    known = common_words()
    return folded in known or folded in NOT_NAMES or (folded.endswith("s") and folded[:-1] in known)


def _lines(name: str) -> list[str]:
    text = files("textcrm.entities").joinpath("data", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
