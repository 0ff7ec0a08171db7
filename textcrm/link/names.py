"""Given names that mean the same person: short forms and everyday variants, as groups."""

from __future__ import annotations

from functools import lru_cache

from textcrm.link.normalise import Name

# The first of a line is the full form; a short form may stand in several lines.
_GROUPS = """
abigail abby abbie gail
abraham abe bram
adam ad
adelaide addie heidi
albert al bert bertie albie
alexander alex al sandy xander sasha alec alejandro alessandro
alexandra alex sandra lexi sasha alexa
alfred al alf alfie fred
alice ali allie alicia
alison ali allie allison
amanda mandy manda
amelia amy millie emilia
andrew andy drew andreas andre andrea
angela angie ange
ann anne anna annie nan hannah
annabel annabelle bella belle anna
anthony tony ant anton antonio toni
antonia toni
arthur art artie
augustus gus august
barbara barb babs barbie
bartholomew bart
beatrice bea trixie
benedict ben
benjamin ben benji benny
bernard bernie bern
bethany beth
bradley brad
bridget biddy bridie
caitlin cait kate katelyn kaitlyn
calvin cal
cameron cam
caroline carrie caro carolyn carol carolina
cassandra cass cassie sandra
catherine cathy cath kate katie kathy kitty kat katherine kathryn kathleen katharine catalina
cecilia celia cissy
charles charlie chuck chas chaz carl carlos
charlotte charlie lottie lotte
chelsea chels
christian chris
christina chris tina chrissy christine kristina kirsten kristin
christopher chris kit topher christoph kris
clifford cliff
clinton clint
constance connie
cornelius neil con
courtney court
craig greg
cynthia cindy
daniel dan danny
danielle dani dan
david dave davey
deborah deb debbie debra
dennis den denny
derek derrick
diana di diane
dominic dom nick
donald don donnie
dorothy dot dottie dolly
douglas doug
edmund ed eddie ted
edward ed eddie ted ned teddy eduard eduardo
edwin ed eddie
eleanor ellie nell nora elinor lenore
elizabeth liz beth lizzie betty eliza elisabeth libby elsie bess lisa elise ella ellie
ellen ellie nell
emily em emmy
emma em emmy
ernest ernie ernst
eugene gene
evelyn eve evie
florence flo florrie flora
frances fran frankie francesca
francis frank fran francesco francisco franz
franklin frank
frederick fred freddie rick fritz
gabriel gabe
gabrielle gabby gabi
geoffrey geoff jeff jeffrey
george georgie jorge georg
georgina georgie gina georgia
gerald gerry jerry
gerard gerry
gertrude trudy
gilbert gil bert
giovanni gianni
grace gracie
gregory greg
gwendolyn gwen
hannah anna
harold harry hal
harriet hattie harriett
harrison harry
helen nell ellen helena lena
henrietta etta hettie
henry harry hank hal heinrich enrique
herbert herb bert
hilary hil
howard howie
hubert bert
hugh hughie hugo
isaac ike zac
isabella bella izzy isabel isobel isabelle
jacob jake jack jacky
jacqueline jackie jacqui
james jim jimmy jamie jem jaime
jane janie jenny janet
janet jan
jasmine jas jazz
jason jay
jean jeanne jeannie
jennifer jen jenny jenni
jeremiah jerry
jeremy jem jez
jessica jess jessie
jill gill gillian jillian
joan joanie
joanna jo joanne johanna
john johnny jack jon ian sean juan johann johannes hans
jonathan jon john jonny nathan
jordan jordy
joseph joe joey jo jose josef giuseppe
josephine jo josie
joshua josh
joyce joy
judith judy jude
julia julie jules juliet
julian jules
karen kaz karin
kenneth ken kenny
kevin kev
kimberley kim kimberly kym
kristopher kris
laura laurie lori
lachlan lachie lachy
lawrence larry laurie laurence lorenzo
leonard len lenny leo leon
leslie les
lewis lew louis louie luis
lillian lily lil lilian
linda lin lindy
louise lou
lucas luke luca
lucille lucy
lucy lu
lydia liddy
madeleine maddie maddy madeline madelyn mads
malcolm mal
margaret maggie meg peggy marge margie greta rita daisy madge peg margarita
marcus mark marc marco marcos
marilyn lyn
martha mattie patty
martin marty
mary molly polly mae marie maria mimi
matilda tilly mattie
matthew matt matty mat matteo matthias
maureen mo
maurice mo morris
maximilian max
megan meg
melanie mel
melissa mel missy lissa
melvin mel
michael mike mick micky mickey mitch miguel michele mikey
michelle shell chelle micky michele
mildred millie
miranda mandy randy
mitchell mitch
mohammed mohamed muhammad mohammad mo
nancy nan ann
natalie nat nattie natalia
natasha tasha nat
nathan nate nat
nathaniel nate nat nathan
nicholas nick nicky nico nicolas nikolas klaus
nicola nicky nikki
nicole nicky nikki nic
norman norm
oliver ollie olly
olivia liv livvy
oscar ozzie
pamela pam
patricia pat patty trish tricia patsy
patrick pat paddy rick
paul pablo paolo
paula pauline polly
penelope penny
peter pete pedro pierre pietro
philip phil pip phillip philipp felipe
phillipa pippa philippa
phyllis phil
priscilla prissy
prudence prue pru
rachel rach rachael
raymond ray
rebecca becky bec becca
reginald reg reggie
rhiannon rhi
richard rick rich dick richie ricky ricardo riccardo
robert bob rob bobby robbie bert robin roberto rupert
roberta bobbie robbie
roderick rod rick
rodney rod
roger rog
roland roly
ronald ron ronnie
rosalind roz ros
rosemary rose rosie
rose rosie rosa
roxanne roxy
rudolph rudy rolf
russell russ rusty
ruth ruthie
samantha sam sammy
samuel sam sammy
sandra sandy
sarah sally sadie sara
sebastian seb bas
sharon shaz
shirley shirl
sidney sid
simon si
sophie soph sophia sofia
spencer spence
stanley stan
stephanie steph stevie stefanie
stephen steve steven stevie stefan stephan esteban
stuart stu stewart
susan sue susie suzy suzanne susanna susannah
sylvia syl
tabitha tabby
terence terry terrence
teresa terry tess theresa tessa tracy
theodore ted teddy theo
thomas tom tommy tomas
timothy tim timmy
toby tobias
valerie val
vanessa nessa
veronica ronnie vera
victor vic viktor
victoria vicky tori vic vicki
vincent vince vinny vincenzo
virginia ginny ginger
vivian viv vivienne
walter wally walt
wendy wen
wesley wes
wilfred wilf fred
wilhelmina billie mina
william will bill billy willy liam wilhelm guillermo
winifred winnie fred
yvonne vonnie
zachary zach zac zak zack zachariah
"""


@lru_cache(maxsize=1)
def groups() -> dict[str, frozenset[int]]:
    """Return for each known given name the groups in which it stands."""
    known: dict[str, set[int]] = {}
    for number, line in enumerate(_GROUPS.split("\n")):
        for word in line.split():
            known.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in known.items()}


def same_given(left: str, right: str) -> bool:
    """Tell whether two folded given names may be one: equal, or in one group."""
    if left == right:
        return bool(left)
    known = groups()
    return bool(known.get(left, frozenset()) & known.get(right, frozenset()))


def names_agree(left: Name, right: Name) -> bool:
    """Tell whether two full names are one: family names equal; given names equal, a short form, or its initial.

    One word alone (``Ann``) agrees with nothing: too many people are called so. The two may be in either order.
    """
    if not (left.given and left.family and right.given and right.family):
        return False
    if left.full == right.full or (left.given == right.family and left.family == right.given):
        return True
    if left.family != right.family:
        return False
    initial = 1 in (len(left.given), len(right.given)) and left.given[0] == right.given[0]
    return initial or same_given(left.given, right.given)
